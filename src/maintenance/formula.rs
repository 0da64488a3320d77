//! Guards texts in the cells of a spreadsheet. A program that opens a CSV file interprets some texts as formulas and
//! runs them. It may also expect other separators than the comma: tabs, or semicolons if numbers contain commas.

use std::borrow::Cow;

/// The characters with which a formula begins. The last four are full-width forms, which some spreadsheets treat as the
/// others.
const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// After one of these, a program may see the beginning of another cell.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];
/// A cell that begins with one of these may hide what follows.
const BREAKS: [char; 3] = ['\t', '\r', '\n'];

/// Returns the text in a form that is safe in a cell: an apostrophe precedes everything that could be interpreted as a
/// formula, at the beginning and after each separator. Spreadsheets show the text after the apostrophe.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if !text.contains(SIGNS) && !text.contains(BREAKS) {
        return Cow::Borrowed(text);
    }
    let mut guarded = String::with_capacity(text.len() + 1);
    if begins_formula(text) {
        guarded.push('\'');
    }
    for (at, c) in text.char_indices() {
        guarded.push(c);
        if SEPARATORS.contains(&c) && continues_formula(c, &text[at + c.len_utf8()..]) {
            guarded.push('\'');
        }
    }
    Cow::Owned(guarded)
}

/// Returns the text from which [`guarded`] made this one.
pub(super) fn unguarded(text: &str) -> String {
    let text = text.strip_prefix('\'').filter(|text| begins_formula(text)).unwrap_or(text);
    let (mut unguarded, mut chars) = (String::with_capacity(text.len()), text.char_indices());
    while let Some((at, c)) = chars.next() {
        unguarded.push(c);
        let rest = &text[at + c.len_utf8()..];
        if SEPARATORS.contains(&c) && rest.strip_prefix('\'').is_some_and(|rest| continues_formula(c, rest)) {
            chars.next();
        }
    }
    unguarded
}

/// Returns whether a cell with this text could be interpreted as a formula. Apostrophes at the beginning make no
/// difference, so that exactly the one that was added can be removed again.
fn begins_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(BREAKS)
        || text.trim_start_matches(|c| is_ignored(c) || c == '"' || SEPARATORS.contains(&c)).starts_with(SIGNS)
}

/// Returns the same for the text after a separator.
fn continues_formula(separator: char, rest: &str) -> bool {
    let has_quotes = !matches!(separator, '\r' | '\n');
    rest.trim_start_matches(|c| is_ignored(c) || (has_quotes && c == '"')).starts_with(SIGNS)
}

fn is_ignored(c: char) -> bool {
    c == '\'' || c == '\u{FEFF}' || (c.is_whitespace() && !SEPARATORS.contains(&c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_could_interpret_as_a_formula_is_guarded() {
        for (text, shown) in [
            ("=1+2", "'=1+2"),
            ("＝1", "'＝1"),
            ("  @SUM(1)", "'  @SUM(1)"),
            ("\u{a0}+1", "'\u{a0}+1"),
            (";=1", "';'=1"),
            ("\t-1", "'\t'-1"),
            ("\"=1\"", "'\"=1\""),
            ("a;=cmd", "a;'=cmd"),
            ("a; =cmd;-1", "a;' =cmd;'-1"),
            ("a;\"=cmd\"", "a;'\"=cmd\""),
            ("a\n=cmd", "a\n'=cmd"),
            ("'=1", "''=1"),
            ("\n", "'\n"),
            ("1-2=3; a-b", "1-2=3; a-b"),
            ("{\n  \"to\": [\"+447700900123\"]\n}", "{\n  \"to\": [\"+447700900123\"]\n}"),
            ("'a", "'a"),
            ("", ""),
        ] {
            assert_eq!(guarded(text), shown, "{text:?}");
            assert_eq!(unguarded(shown), text);
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_whatever_separates_cells(text in "[=+@＝\\-;\t\r\n\"' \u{a0}a,]{0,8}") {
            let cell = guarded(&text);
            for separator in SEPARATORS {
                for part in cell.split(separator) {
                    let has_quotes = separator == ';' || separator == '\t';
                    let part = part.trim_start_matches(|c| " \u{a0}".contains(c) || (has_quotes && c == '"'));
                    prop_assert!(!part.starts_with(SIGNS), "{:?}", cell);
                }
            }
            prop_assert!(!cell.starts_with(SIGNS) && !cell.starts_with(BREAKS));
        }

        #[test]
        fn the_text_comes_back(text in "[=+\\-;\t\r\n\"' a＝]{0,8}") {
            prop_assert_eq!(unguarded(&guarded(&text)), text);
        }

        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            prop_assert_eq!(unguarded(&guarded(&text)), text);
        }
    }
}
