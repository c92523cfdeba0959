//! Values at another scale.

use crate::support::check;

#[track_caller]
fn scaled(factor: &str, sent: &str, expected: &str) {
    let transforms = format!(
        "[{{include: m, action: update, operations: [{{action: experimental_scale_value, experimental_scale: {factor}}}]}}]"
    );
    check(&transforms, sent, expected);
}

#[test]
fn numbers_keep_their_type() {
    scaled("100", "sum m 1..1 = 1", "sum m 1..1 = 100");
    scaled("10", "gauge m 1..1 = 3", "gauge m 1..1 = 30");
    scaled(
        "0.1",
        "gauge m 1..1 = 39\n gauge m 1..1 = 300.0",
        "gauge m 1..1 = 3\n gauge m 1..1 = 30.0",
    );
    scaled(
        "-1",
        "gauge m 1..1 = 3\n gauge m 1..1 = -",
        "gauge m 1..1 = -3\n gauge m 1..1 = -",
    );
    scaled("10", "summary m 1..1 = n=3 sum=4", "summary m 1..1 = n=3 sum=4");
}

#[test]
fn histograms_change_with_their_exemplars() {
    scaled(
        "0.1",
        "histogram m 2..2 = n=3 sum=400 min=100 max=300 bounds=200 counts=1,2 exemplars=100,300",
        "histogram m 2..2 = n=3 sum=40 min=10 max=30 bounds=20 counts=1,2 exemplars=10,30",
    );
    scaled(
        "8",
        "exponential m 1..2 = n=4 sum=10 min=1 max=5 scale=0 zero=1 width=0.5 pos=0:1,1,1 exemplars=5",
        "exponential m 1..2 = n=4 sum=80 min=8 max=40 scale=0 zero=1 width=4 pos=3:1,1,1 exemplars=40",
    );
}

#[test]
fn only_points_that_match_are_scaled() {
    check(
        "[{include: m, match_type: regexp, experimental_match_labels: {l: '^v1$'}, action: update, operations: [
            {action: experimental_scale_value, experimental_scale: 10}]}]",
        "sum m1{l=v1} 1..1 = 1
         sum m1{l=v2} 1..1 = 3
         histogram m2{l=v1} 1..1 = n=1 sum=1 bounds=1 counts=1,1
         histogram m2{l=v2} 1..1 = n=2 sum=4 bounds=2 counts=1,2",
        "sum m1{l=v1} 1..1 = 10
         sum m1{l=v2} 1..1 = 3
         histogram m2{l=v1} 1..1 = n=1 sum=10 bounds=10 counts=1,1
         histogram m2{l=v2} 1..1 = n=2 sum=4 bounds=2 counts=1,2",
    );
}
