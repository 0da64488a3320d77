//! An answer of a server, and the assertions of tests about it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    /// The method and path of the request.
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn read(request: String, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { request, status, headers, body: response.text().await.unwrap() }
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.body);
        self
    }

    /// `200 {}`, which the platform requires.
    #[track_caller]
    pub fn is_acknowledged(&self) {
        assert_eq!((self.status, self.body.as_str()), (200, "{}"), "{}", self.request);
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// A complete RFC 9457 problem with this status and code. Returns its body.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.request);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}: {problem}", self.request);
        assert_eq!(problem["type"], format!("urn:receiptd:problem:{code}"));
        assert_eq!(problem["status"], status);
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {problem}");
        }
        assert!(self.header("x-request-id").is_some(), "{}: no x-request-id", self.request);
        problem
    }

    /// 422 with errors in exactly these fields.
    #[track_caller]
    pub fn blames(&self, pointers: &[&str]) {
        let problem = self.is_problem(422, "invalid-request");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap_or("none")).collect();
        assert_eq!(found, pointers, "{}: {problem}", self.request);
        assert!(errors.iter().all(|error| error["detail"].as_str().is_some_and(|text| !text.is_empty())), "{problem}");
    }

    /// `503` that asks the platform to retry soon.
    #[track_caller]
    pub fn asks_to_try_again(&self) {
        self.is_problem(503, "unavailable");
        let seconds = self.header("retry-after").and_then(|text| text.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "Retry-After is {seconds:?}");
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
