//! What patterns mean. The expectations are those of Go's `regexp` package.

use proptest::prelude::*;

use super::*;

fn check(pattern: &str, matched: &[&str], not_matched: &[&str]) {
    let regex = compile_anchored(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    for text in matched {
        assert!(regex.is_match(text), "{pattern} matches {text:?}");
    }
    for text in not_matched {
        assert!(!regex.is_match(text), "{pattern} does not match {text:?}");
    }
}

#[test]
fn perl_classes_are_ascii() {
    check(r"\d+", &["0123"], &["٣", "a"]);
    check(r"\D", &["٣", "a", "\n"], &["3"]);
    check(r"\w+", &["aZ_9"], &["é", "-"]);
    check(r"\W", &["é", "-"], &["a"]);
    check(r"\s+", &[" \t\n\r\u{c}"], &["\u{b}", "\u{a0}"]);
    check(r"\S", &["\u{a0}"], &[" "]);
    check(r"[\d_]+", &["1_2"], &["٣"]);
    check(r"[^\w-]", &["é"], &["a", "-"]);
    check(r"[\D]", &["٣"], &["3"]);
    check(r"é\ba\b", &["éa"], &["ea"]);
    assert!(compile(r"a\b").unwrap().is_match("aé"), "é is no word character");
}

#[test]
fn brackets_hold_plain_characters() {
    check("[a&&b]", &["a", "&", "b"], &["&&"]);
    check("[a~~b]+", &["a~b"], &["c"]);
    check("[[]", &["["], &["]"]);
    check("[]a]+", &["]a"], &["["]);
    check("[^]a]", &["b"], &["]", "a"]);
    check("[a-]+", &["a-"], &["b"]);
    check("[-a]+", &["a-"], &["b"]);
    check("[+--]+", &["+,-"], &["."]);
    check("[a-c-]+", &["b-"], &["d"]);
    check("[[:alpha:][:^digit:]_]", &["a", "_", "-"], &["1"]);
    check("[[:x]", &["[", ":", "x"], &["y"]);
    check(r"[\]\[\-\\]+", &[r"][-\"], &["a"]);
    check(r"[\x41-\x{43}\101]+", &["ABC"], &["D"]);
    check(r"[\p{Greek}\pL]+", &["αb"], &["1"]);
    check(r"[\<\>]", &["<", ">"], &["a"]);
}

#[test]
fn braces_that_repeat_nothing_are_plain() {
    check("a{", &["a{"], &["a"]);
    check("a{2}", &["aa"], &["a{2}"]);
    check("a{2,}b{1,2}", &["aaab"], &["ab"]);
    check("a{,2}", &["a{,2}"], &["aa"]);
    check("{x}", &["{x}"], &["x"]);
    check("a{2", &["a{2"], &["aa"]);
}

#[test]
fn escapes_stand_for_characters() {
    check(r"\Qa.b[\E+", &["a.b[[["], &["axb["]);
    check(r"\Qa.b", &["a.b"], &["axb"]);
    check(r"\101\07\0", &["A\u{7}\0"], &[]);
    check(r"\x41\x{1F600}", &["A😀"], &[]);
    check(r"\<a\>", &["<a>"], &["a"]);
    check(r"\.\/\-\_\%", &["./-_%"], &["a/-_%"]);
    check(r"\pN\p{L}\PN", &["1ab"], &["a1b"]);
    check(r"\a\f\t\n\r\v", &["\u{7}\u{c}\t\n\r\u{b}"], &[]);
    check(r"\Aa\z", &["a"], &["b"]);
}

#[test]
fn groups_and_flags_are_those_of_re2() {
    check("(?i)ABC(?-i:d)", &["abcd"], &["abcD"]);
    check("(?P<name>a)(?<other>b)(?:c)", &["abc"], &["ab"]);
    check("(?U)a+", &["aa"], &["b"]);
    check("(?s:.)(?i:x)", &["\nX"], &["\n"]);
    for flag in ["(?x)a", "(?iu)a", "(?R:a)"] {
        assert!(matches!(compile(flag), Err(PatternError::Flag(_))), "{flag}");
    }
}

#[test]
fn anchored_patterns_match_whole_texts() {
    check("a|b", &["a", "b"], &["ab", "xa"]);
    check("a.b", &["a\nb"], &["a\n"]);
    check("", &[""], &["a"]);
    assert!(compile("a|b").unwrap().is_match("xbx"));
    assert!(compile("a.b").unwrap().find("a\nb").is_none());
}

#[test]
fn malformed_patterns_are_refused() {
    for pattern in [
        "(", ")", "a)(b", "[", "[b-a]", "*a", r"\", r"\8", r"\1", r"\E", r"(?=a)", r"\C", "[a", "a**(",
    ] {
        assert!(compile(pattern).is_err(), "{pattern}");
        assert!(compile_anchored(pattern).is_err(), "{pattern}");
    }
    assert_eq!(
        compile("a[b-a]").unwrap_err().to_string(),
        "invalid character class range, the start must be <= the end"
    );
    assert!(matches!(
        compile(r"(\w{1000}){1000}"),
        Err(PatternError::TooLarge)
    ));
    let (index, _) = compile_set(["a", "(", "b"]).unwrap_err();
    assert_eq!(index, 1);
    assert!(compile_set(["a", "b"]).unwrap().is_match("xb"));
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in r"[\\\[\](){}?*+^$.:|<>&~QEdDwWsSbBxpP0-9a-cA-F,\-é]{0,24}") {
        let _ = compile(&pattern);
    }

    #[test]
    fn quoted_text_matches_itself(text in ".{0,20}") {
        prop_assume!(!text.contains("\\E"));
        let regex = compile_anchored(&format!("\\Q{text}\\E")).unwrap();
        prop_assert!(regex.is_match(&text));
    }
}
