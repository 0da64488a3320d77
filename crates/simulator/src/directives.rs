//! The directives with which a message asks the simulator for special behavior.

use serde_json::Value;

/// What a message asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    /// The answer to the send request.
    pub(super) answer: Option<Answer>,
    /// Whether `answer` applies only to the first attempt.
    pub(super) once: bool,
    /// Whether there are no notifications.
    pub(super) silent: bool,
    /// The code to fail with, and its description if it is given.
    pub(super) fail: Option<(String, Option<String>)>,
    /// The status at which to stop.
    pub(super) until: Option<String>,
}

/// An unusual answer to a send request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A rejection with this code.
    Code(String),
    /// An empty answer with this HTTP status.
    Http(u16),
    /// Accepted only in form: v2's status `Rejected`.
    Rejected,
    /// Accepted, but the request is never answered.
    Hang,
    /// Accepted, but the answer is not JSON.
    Garbage,
    /// Accepted, but the connection breaks.
    Reset,
}

/// The prefix of every directive.
const OPENING: &str = "[sim:";

impl Directives {
    /// Searches every string of `submission`.
    pub(super) fn find(submission: &Value) -> Self {
        let mut words = Self::default();
        words.search(submission);
        words
    }

    fn search(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                for rest in text.split(OPENING).skip(1) {
                    if !rest.split_once(']').is_some_and(|(word, _)| self.take(word)) {
                        tracing::warn!("a message contains an unknown simulator directive; it is ignored");
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.search(item)),
            Value::Object(members) => members.values().for_each(|member| self.search(member)),
            _ => {}
        }
    }

    /// Applies `word`. Returns whether it is a known directive.
    fn take(&mut self, word: &str) -> bool {
        match word.split_once('=') {
            None if word == "once" => self.once = true,
            None if word == "silent" => self.silent = true,
            Some(("until", status)) => self.until = Some(status.to_owned()),
            Some(("fail", code)) => {
                let (code, text) = code.split_once(':').map_or((code, None), |(code, text)| (code, Some(text)));
                self.fail = Some((code.to_owned(), text.map(str::to_owned)));
            }
            Some(("answer", answer)) => match Answer::read(answer) {
                Some(answer) => self.answer = Some(answer),
                None => return false,
            },
            _ => return false,
        }
        true
    }
}

impl Answer {
    fn read(word: &str) -> Option<Self> {
        match word {
            "hang" => Some(Self::Hang),
            "garbage" => Some(Self::Garbage),
            "reset" => Some(Self::Reset),
            "rejected" => Some(Self::Rejected),
            _ => {
                if let Some(status) = word.strip_prefix("http-") {
                    return status.parse().ok().filter(|status| (200..600).contains(status)).map(Self::Http);
                }
                let is_code = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
                is_code.then(|| Self::Code(word.to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(text: &str) -> Directives {
        Directives::find(&json!({"message": {"parameters": [{"name": text}]}}))
    }

    #[test]
    fn a_plain_message_has_no_directives() {
        assert_eq!(words("Your parcel [A-1] is here"), Directives::default());
    }

    #[test]
    fn directives_are_found_anywhere_in_a_text() {
        let found = words("Hello [sim:answer=7020][sim:once] and [sim:until=read]");
        assert_eq!(found.answer, Some(Answer::Code("7020".to_owned())));
        assert!(found.once);
        assert_eq!(found.until.as_deref(), Some("read"));
        assert!(words("[sim:silent]").silent);
    }

    #[test]
    fn every_answer_has_its_directive() {
        for (word, answer) in [
            ("http-503", Answer::Http(503)),
            ("rejected", Answer::Rejected),
            ("hang", Answer::Hang),
            ("garbage", Answer::Garbage),
            ("reset", Answer::Reset),
        ] {
            assert_eq!(words(&format!("[sim:answer={word}]")).answer, Some(answer), "{word}");
        }
    }

    #[test]
    fn a_failure_may_have_a_description() {
        assert_eq!(words("[sim:fail=7203]").fail, Some(("7203".to_owned(), None)));
        let soft = Some(("7520".to_owned(), Some("Transient_General".to_owned())));
        assert_eq!(words("[sim:fail=7520:Transient_General]").fail, soft);
    }

    #[test]
    fn an_unknown_directive_is_ignored() {
        for text in ["[sim:", "[sim:]", "[sim:answer=]", "[sim:answer=maybe]", "[sim:answer=http-99]", "[sim:later=1]"]
        {
            assert_eq!(words(text), Directives::default(), "{text}");
        }
    }
}
