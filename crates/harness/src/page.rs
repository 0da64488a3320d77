//! A page as a person reads it: its text, its links, its facts.

use reqwest::{Method, RequestBuilder};

use super::{Answer, Client};

/// A page.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub answer: Answer,
    /// The text, without tags and with single spaces.
    pub text: String,
}

pub(crate) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Client {
    /// Opens a page.
    pub async fn opens(&self, path: &str) -> Page {
        Page::of(self.request(Method::GET, path)).await
    }

    /// Sends a form.
    pub async fn submits(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encode = |(name, value): &(&str, &str)| format!("{name}={}", super::encoded(value));
        let body = fields.iter().map(encode).collect::<Vec<_>>().join("&");
        let request = self.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        Page::of(request.body(body)).await
    }
}

impl Page {
    /// Sends a request whose answer is a page, or leads to one.
    pub async fn of(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let words = format!("{} {}", request.method(), request.url());
        let answer = Answer::read(words, client.execute(request).await.unwrap()).await;
        let page = Self { status: answer.status, text: text(&answer.body), answer };
        if !(300..400).contains(&page.status) {
            page.is_protected();
        }
        page
    }

    #[track_caller]
    fn is_protected(&self) {
        let header = |name| self.answer.header(name).unwrap_or_default();
        let request = &self.answer.request;
        assert_eq!(header("content-type"), "text/html; charset=utf-8", "{request}: {}", self.answer.body);
        assert_eq!(header("content-security-policy"), PAGE_POLICY, "{request}");
        assert_eq!(header("referrer-policy"), "same-origin", "{request}");
        assert_eq!(header("cache-control"), "no-store", "{request}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{request}");
        // The policy would block these, so they would be mistakes.
        for blocked in [" style=\"", "<style", " onclick=", "=\"javascript:", "=\"http:", "=\"https:"] {
            assert!(!self.answer.body.contains(blocked), "{request}: {blocked}");
        }
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.answer.request, self.text);
        self
    }

    /// The address to which the answer leads.
    #[track_caller]
    pub fn leads_to(&self) -> &str {
        assert_eq!(self.status, 303, "{}: {}", self.answer.request, self.text);
        self.answer.header("location").unwrap()
    }

    /// Whether the text, or the machine-readable form of a time, contains this.
    pub fn shows(&self, sought: &str) -> bool {
        let sought = sought.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        self.text.to_lowercase().contains(&sought)
            || self.attributes("datetime").iter().any(|at| *at == sought.to_uppercase())
    }

    /// The values of an attribute, in the order of the page.
    pub fn attributes(&self, name: &str) -> Vec<String> {
        let beginning = format!(" {name}=\"");
        let parts = self.answer.body.split(&beginning).skip(1);
        parts.map(|part| unescaped(part.split('"').next().unwrap())).collect()
    }

    /// The addresses of the rows of a list.
    pub fn rows(&self) -> Vec<String> {
        let rows = self.answer.body.split("<a data-row href=\"").skip(1);
        rows.map(|part| unescaped(part.split('"').next().unwrap())).collect()
    }

    /// The fact with this name.
    pub fn fact(&self, name: &str) -> Option<String> {
        let value = self.answer.body.split(&format!("<dt>{name}</dt><dd>")).nth(1)?;
        Some(text(value.split("</dd>").next()?))
    }
}

/// The text of a page. A tag separates words only if it begins a line.
fn text(html: &str) -> String {
    let inline = ["<code", "</code", "<b>", "</b>", "<a ", "</a>"];
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        let tag = format!("<{}", part.split_inclusive('>').next().unwrap_or_default());
        if at > 0 && !inline.iter().any(|name| tag.starts_with(name)) {
            text.push(' ');
        }
        text.push_str(if at == 0 { part } else { part.split_once('>').map_or("", |(_, rest)| rest) });
    }
    unescaped(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
