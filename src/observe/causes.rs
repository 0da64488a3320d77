//! An error with its causes, as one text.

use std::error::Error;

/// The text of an error, followed by the texts of its causes. Many errors already contain the text of their cause, which
/// is not repeated then.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Sample {
        #[error("cannot open: {0}")]
        Repeats(#[source] io::Error),
        #[error("cannot start")]
        Above(#[source] Box<Sample>),
    }

    #[test]
    fn no_cause_is_repeated() {
        let repeats = Sample::Repeats(io::Error::other("permission denied"));
        assert_eq!(causes(&repeats), "cannot open: permission denied");
        assert_eq!(causes(&Sample::Above(Box::new(repeats))), "cannot start: cannot open: permission denied");
    }
}
