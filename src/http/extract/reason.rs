//! The reason that a person gives for an act on many messages.

use crate::http::problem::Problem;

/// The longest reason, in characters.
const LONGEST: usize = 200;

/// Returns the reason as the audit log records it: one line.
pub(crate) fn reason(text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() || text.chars().count() > LONGEST {
        let detail = format!("must be 1 to {LONGEST} characters: why you do this, for the audit log");
        return Err(Problem::faulty_field("/reason", detail));
    }
    Ok(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(reason(" Wrong\ntext ").unwrap(), "Wrong text");
        assert!(reason(&"é".repeat(LONGEST)).is_ok());
        for bad in ["", " \n", &"x".repeat(LONGEST + 1)] {
            assert!(reason(bad).is_err(), "{bad}");
        }
    }
}
