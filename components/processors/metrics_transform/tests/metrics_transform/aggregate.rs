//! One point of several.

use crate::support::check;

/// Aggregates all labels of `m` away but `a`.
#[track_caller]
fn aggregated(by: &str, sent: &str, expected: &str) {
    let transforms = format!(
        "[{{include: m, action: update, operations: [{{action: aggregate_labels, label_set: [a], aggregation_type: {by}}}]}}]"
    );
    check(&transforms, sent, expected);
}

#[test]
fn every_aggregation_of_numbers() {
    let integers = "gauge m{a=1,b=1} 1..2 = 3
                    gauge m{a=1,b=2} 1..2 = 1
                    gauge m{b=3,a=1} 1..2 = 9";
    for (by, expected) in [
        ("sum", 13),
        ("mean", 4),
        ("min", 1),
        ("max", 9),
        ("count", 3),
        ("median", 3),
    ] {
        aggregated(by, integers, &format!("gauge m{{a=1}} 1..2 = {expected}"));
    }
    let doubles = "sum m{a=1,b=1} 1..2 = 3.5
                   sum m{a=1,b=2} 1..2 = 1.0
                   sum m{a=2,b=2} 1..2 = 4.0";
    for (by, one, two) in [
        ("sum", 4.5, 4.0),
        ("mean", 2.25, 4.0),
        ("min", 1.0, 4.0),
        ("max", 3.5, 4.0),
        ("count", 2.0, 1.0),
        ("median", 2.25, 4.0),
    ] {
        aggregated(
            by,
            doubles,
            &format!("sum m{{a=1}} 1..2 = {one:?}\n sum m{{a=2}} 1..2 = {two:?}"),
        );
    }
    aggregated(
        "sum",
        "gauge m{a=1,b=1} 1..2 = 3\n gauge m{a=1,b=2} 1..2 = 0.5",
        "gauge m{a=1} 1..2 = 3.5",
    );
}

#[test]
fn points_are_the_same_if_labels_and_times_are() {
    // Of totals the earliest start counts.
    aggregated(
        "sum",
        "sum m{a=1,b=1} 5..9 = 1
         sum m{a=1,b=2} 3..9 = 2
         sum m{a=1,b=2} 3..8 = 4",
        "sum m{a=1} 3..9 = 3
         sum m{a=1} 3..8 = 4",
    );
    // Deltas of other times are others.
    aggregated(
        "sum",
        "delta m{a=1,b=1} 5..9 = 1
         delta m{a=1,b=2} 3..9 = 2
         delta m{a=1,b=3} 5..9 = 4",
        "delta m{a=1} 5..9 = 5
         delta m{a=1} 3..9 = 2",
    );
    // A text is no number, and a label that is missing is not empty.
    aggregated(
        "sum",
        "gauge m{a=1} 1..2 = 1
         gauge m{a:1} 1..2 = 2
         gauge m{a=} 1..2 = 4
         gauge m{b=1} 1..2 = 8",
        "gauge m{a=1} 1..2 = 1
         gauge m{a:1} 1..2 = 2
         gauge m{a=} 1..2 = 4
         gauge m 1..2 = 8",
    );
}

#[test]
fn exemplars_stay_and_points_without_value_give_way() {
    aggregated(
        "mean",
        "gauge m{a=1,b=1} 1..2 = -
         gauge m{a=1,b=2} 1..2 = 3 exemplars=1,2
         gauge m{a=1,b=3} 1..2 = 5 exemplars=3
         gauge m{a=2,b=2} 1..2 = -
         gauge m{a=2,b=3} 1..2 = -",
        "gauge m{a=1} 1..2 = 4 exemplars=1,2,3
         gauge m{a=2} 1..2 = -",
    );
    aggregated(
        "sum",
        "histogram m{a=1,b=1} 1..2 = -
         histogram m{a=1,b=2} 1..2 = n=1 sum=1 exemplars=1
         histogram m{a=1,b=3} 1..2 = n=2 sum=2 exemplars=2
         histogram m{a=2,b=3} 1..2 = -
         histogram m{a=2,b=4} 1..2 = -",
        "histogram m{a=1} 1..2 = n=3 sum=3 exemplars=1,2
         histogram m{a=2} 1..2 = -",
    );
}

#[test]
fn without_a_set_no_label_stays() {
    for set in ["", "label_set: [], "] {
        check(
            &format!(
                "[{{include: m, action: update, operations: [{{action: aggregate_labels, {set}aggregation_type: max}}]}}]"
            ),
            "gauge m{a=1} 1..2 = 3
             gauge m{b=1} 1..2 = 1",
            "gauge m 1..2 = 3",
        );
    }
}

#[test]
fn values_of_a_label_become_one() {
    check(
        "[{include: m, action: update, operations: [{action: aggregate_label_values, label: state, new_value: used,
            aggregated_values: [user, system, '7'], aggregation_type: sum}]}]",
        "updown m{cpu=0,state=user} 1..2 = 3
         updown m{cpu=0,state=system} 1..2 = 1
         updown m{cpu=0,state:7} 1..2 = 10
         updown m{cpu=0,state=idle} 1..2 = 5
         updown m{cpu=1,state=user} 1..2 = 7
         updown m{cpu=1} 1..2 = 8",
        "updown m{cpu=0,state=used} 1..2 = 14
         updown m{cpu=0,state=idle} 1..2 = 5
         updown m{cpu=1,state=used} 1..2 = 7
         updown m{cpu=1} 1..2 = 8",
    );
}

#[test]
fn explicit_histograms_add_up_whatever_the_aggregation() {
    for by in ["sum", "mean", "max"] {
        aggregated(
            by,
            "histogram m{a=1,b=1} 4..5 = n=3 sum=6 min=1 max=3 bounds=1,2 counts=0,1,2
             histogram m{a=1,b=2} 3..5 = n=5 sum=10 min=0.5 max=4 bounds=1,2 counts=1,1,3
             histogram m{a=1,b=3} 3..5 = n=0 sum=0 bounds=1,2 counts=0,0,0",
            "histogram m{a=1} 3..5 = n=8 sum=16 min=0.5 max=4 bounds=1,2 counts=1,2,5",
        );
    }
    // What the sum of histograms does not have, because one of them lacks it, is left out.
    aggregated(
        "sum",
        "histogram m{a=1,b=1} 1..2 = n=1 sum=6 min=6 max=6
         histogram m{a=1,b=2} 1..2 = n=1 max=7",
        "histogram m{a=1} 1..2 = n=2 max=7",
    );
}

#[test]
fn histograms_that_do_not_add_up_stay_apart() {
    aggregated(
        "sum",
        "histogram m{a=1,b=1} 1..2 = n=3 sum=6 bounds=1,2 counts=0,1,2
         histogram m{a=1,b=2} 1..2 = n=1 sum=6 bounds=1,3 counts=0,1,0
         histogram m{a=1,b=3} 1..2 = n=1 sum=6 bounds=1,2 counts=1,0,0
         histogram m{a=1,b=4} 1..2 = n=1 sum=6 bounds=1,2 counts=1
         histogram m{a=1,b=5} 1..2 = n=1 sum=6 bounds=1,2 counts=1
         histogram m{a=1,b=6} 1..2 = n=18446744073709551615 sum=6 bounds=1,2 counts=1,0,0",
        "histogram m{a=1} 1..2 = n=4 sum=12 bounds=1,2 counts=1,1,2
         histogram m{a=1} 1..2 = n=1 sum=6 bounds=1,3 counts=0,1,0
         histogram m{a=1} 1..2 = n=1 sum=6 bounds=1,2 counts=1
         histogram m{a=1} 1..2 = n=1 sum=6 bounds=1,2 counts=1
         histogram m{a=1} 1..2 = n=18446744073709551615 sum=6 bounds=1,2 counts=1,0,0",
    );
}

#[test]
fn exponential_histograms_of_different_scales_and_offsets_add_up() {
    aggregated(
        "sum",
        "delta_exponential m{a=1,b=1} 1..2 = n=7 sum=9 scale=1 zero=1 width=0 pos=0:1,2,3
         delta_exponential m{a=1,b=2} 1..2 = n=6 sum=4 scale=0 zero=1 width=0 pos=-1:1,0,0,2 neg=2:2
         delta_exponential m{a=1,b=3} 0..2 = n=1 sum=4 scale=0 zero=1",
        "delta_exponential m{a=1} 1..2 = n=13 sum=13 scale=0 zero=2 width=0 pos=-1:1,3,3,2 neg=2:2
         delta_exponential m{a=1} 0..2 = n=1 sum=4 scale=0 zero=1 width=0",
    );
}

#[test]
fn summaries_stay_as_they_are() {
    let summaries = "summary m{a=1,b=1} 1..2 = n=1 sum=2
                     summary m{a=1,b=2} 1..2 = n=1 sum=2";
    aggregated("sum", summaries, summaries);
    check(
        "[{include: m, action: update, operations: [{action: aggregate_label_values, label: b, new_value: x,
            aggregated_values: ['1'], aggregation_type: sum}]}]",
        summaries,
        summaries,
    );
}
