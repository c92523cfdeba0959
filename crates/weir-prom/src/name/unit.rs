//! Units: UCUM codes to the words that Prometheus names use.

/// The unit table with its one documented extra.
///
/// The table of the shared naming library knows `KBy` but not UCUM's own `kBy`, and calls `TiBy`
/// `tibibytes`; both are kept so that names stay what they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnitTable {
    /// Reads `kBy` as kilobytes too. Off by default: it changes names.
    pub kby: bool,
}

impl UnitTable {
    /// Splits a unit at its first slash and returns the word of the main part and `per_` + the word of
    /// the rest. Either is empty if there is nothing to say. Unknown codes pass through uncleaned.
    pub(super) fn words(self, unit: &str) -> (String, String) {
        let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
        let (main, per) = (main.trim(), per.trim());
        let main = if is_annotated(main) {
            String::new()
        } else {
            self.main_word(main).to_owned()
        };
        let per = if per.is_empty() || is_annotated(per) {
            String::new()
        } else {
            format!("per_{}", per_word(per))
        };
        (main, per)
    }

    fn main_word(self, code: &str) -> &str {
        match code {
            "d" => "days",
            "h" => "hours",
            "min" => "minutes",
            "s" => "seconds",
            "ms" => "milliseconds",
            "us" => "microseconds",
            "ns" => "nanoseconds",
            "By" => "bytes",
            "KiBy" => "kibibytes",
            "MiBy" => "mebibytes",
            "GiBy" => "gibibytes",
            "TiBy" => "tibibytes",
            "KBy" => "kilobytes",
            "kBy" if self.kby => "kilobytes",
            "MBy" => "megabytes",
            "GBy" => "gigabytes",
            "TBy" => "terabytes",
            "m" => "meters",
            "V" => "volts",
            "A" => "amperes",
            "J" => "joules",
            "W" => "watts",
            "g" => "grams",
            "Cel" => "celsius",
            "Hz" => "hertz",
            "%" => "percent",
            "1" => "",
            unknown => unknown,
        }
    }
}

fn per_word(code: &str) -> &str {
    match code {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        unknown => unknown,
    }
}

/// A part with a brace anywhere is an annotation such as `{packet}` and says nothing about the unit.
fn is_annotated(part: &str) -> bool {
    part.contains(['{', '}'])
}
