//! Prints the output of all commands.
//!
//! Text for people may contain data of strangers, so characters that a terminal would interpret or hide are escaped
//! ([`visible`]). JSON and exports are data for programs, and are printed unchanged.

use std::{
    fmt::Write as _,
    io::{self, Write},
    process::ExitCode,
};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle, presets::NOTHING};
use serde::Serialize;

use crate::{domain::FieldError, observe::causes};

/// Prints a line for people.
pub(super) fn line(text: impl AsRef<str>) {
    text_out(&format!("{}\n", visible(text.as_ref())));
}

/// Prints a text of several lines for people.
pub(super) fn text(text: impl AsRef<str>) {
    text_out(&format!("{}\n", visible_lines(text.as_ref())));
}

/// Prints data for programs.
pub(super) fn json(data: &impl Serialize) -> anyhow::Result<()> {
    text_out(&format!("{}\n", serde_json::to_string_pretty(data)?));
    Ok(())
}

/// Prints data for programs, on one line.
pub(super) fn json_line(data: &impl Serialize) -> anyhow::Result<()> {
    text_out(&format!("{}\n", serde_json::to_string(data)?));
    Ok(())
}

/// Prints data unchanged.
pub(super) fn bytes(data: &[u8]) {
    out(data);
}

/// Prints how to get the next page of a list.
pub(super) fn more(cursor: Option<&str>) {
    if let Some(cursor) = cursor {
        line(format!("next page: --cursor {cursor}"));
    }
}

/// Columns without borders, and a line under the header.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// Prints a table that fits the width of the terminal, if there is one.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|cell| visible(cell)));
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| visible(cell)).collect::<Vec<_>>()));
    text_out(&format!("{table}\n"));
}

/// Prints a table of the rows, or the line `nothing` if there are none.
pub(super) fn found(nothing: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_some() {
        table(header, rows);
    } else {
        line(nothing);
    }
}

/// An error in the arguments. The exit code is 2, as for flags that do not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// Turns errors of fields into a usage error.
pub(super) fn usage_error(errors: &[FieldError]) -> anyhow::Error {
    UsageError(in_words(errors)).into()
}

/// The errors of fields as one sentence.
pub(super) fn in_words(errors: &[FieldError]) -> String {
    let sentence = |error: &FieldError| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail);
    errors.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// Prints why a command failed, with the whole chain of causes on one line, and returns the exit code.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    print_error(&causes(error.as_ref()));
    if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Prints the answer of the command line parser to `--help`, `--version` or invalid flags, and returns the exit code.
pub(super) fn usage(answer: &clap::Error) -> ExitCode {
    if answer.use_stderr() {
        // The answer contains the arguments. It is printed with its colours only if they need no escapes.
        if std::env::args().all(|argument| visible(&argument) == argument) {
            let _ = answer.print();
        } else {
            let _ = writeln!(io::stderr(), "{}", visible_lines(&answer.to_string()));
        }
    } else if let Err(error) = answer.print().and_then(|()| io::stdout().flush()) {
        exit_after_failed_write(&error);
    }
    u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Escapes, as in `\u{202e}`, every character that a terminal would interpret, or that is invisible and changes how the text
/// around it looks. These are control characters, characters that change the direction of writing, characters without a
/// width, and line separators.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => visible.push_str("\\n"),
            '\r' => visible.push_str("\\r"),
            '\t' => visible.push_str("\\t"),
            c if is_hidden(c) => _ = write!(visible, "{}", c.escape_unicode()),
            c => visible.push(c),
        }
    }
    visible
}

/// Like [`visible`], but line ends and tabs stay.
fn visible_lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    let lines = text.split('\n').map(|text| line(text.strip_suffix('\r').unwrap_or(text)));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn text_out(text: &str) {
    out(text.as_bytes());
}

fn out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        drop(out);
        exit_after_failed_write(&error);
    }
}

/// Ends the program after the output could not be written. A reader that closed the pipe, as in `receiptd messages | head`, is
/// not a failure. Any other error is printed.
fn exit_after_failed_write(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    print_error(&format!("standard output cannot be written: {error}"));
    std::process::exit(1)
}

fn print_error(text: &str) {
    // If standard error cannot be written either, the error cannot be reported.
    let _ = writeln!(io::stderr(), "receiptd: {}", visible_lines(text));
}

/// A value, or a dash.
pub(super) fn or_dash(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_that_a_terminal_would_interpret_or_hide_are_escaped() {
        for (text, shown) in [
            ("plain — é 漢字 😀", "plain — é 漢字 😀"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("a\u{9b}31m\u{7f}", "a\\u{9b}31m\\u{7f}"),
            ("abc\u{202e}fdp.exe\u{2066}\u{200f}\u{61c}", "abc\\u{202e}fdp.exe\\u{2066}\\u{200f}\\u{61c}"),
            ("pay\u{200b}pal\u{feff}\u{2028}\u{2029}\u{85}", "pay\\u{200b}pal\\u{feff}\\u{2028}\\u{2029}\\u{85}"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\r\n\tb\u{1b}c\rd\n"), "a\n\tb\\u{1b}c\\rd\n");
    }

    proptest! {
        #[test]
        fn no_hidden_character_is_printed(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_hidden));
            prop_assert!(!visible_lines(&text).chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
        }
    }
}
