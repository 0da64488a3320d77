//! An error with its causes, as one text.

use std::error::Error;

/// What an error says, and after it what each of its causes adds. Many errors repeat their cause in their own words; that
/// is said once.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !told.contains(&words) {
            told = format!("{told}: {words}");
        }
        cause = error.source();
    }
    told
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
    fn no_cause_is_said_twice() {
        let repeats = Sample::Repeats(io::Error::other("permission denied"));
        assert_eq!(causes(&repeats), "cannot open: permission denied");
        assert_eq!(causes(&Sample::Above(Box::new(repeats))), "cannot start: cannot open: permission denied");
    }
}
