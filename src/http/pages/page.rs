//! A page: what every one has around its content.

use std::convert::Infallible;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY},
    },
    web::{Bytes, Data},
};
use futures_util::{Stream, StreamExt, stream};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::show::message_path;
use crate::{
    config::Scope,
    http::{
        assets::{ICON, POLICY, SCRIPT, STYLE},
        extract::auth::Identity,
        host::{host, is_loopback},
        state::{App, Behind},
    },
};

/// Browsers then send the origin with forms, and nothing to other sites.
const REFERRER: &str = "same-origin";

/// The headers of every page.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (REFERRER_POLICY, HeaderValue::from_static(REFERRER)),
];

/// Marks in a page where it grows.
const GROWTH: &str = "<!-- grows here -->";

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Overview,
    Messages,
    Failures,
    Inbound,
    Quarantine,
    AuditLog,
}

impl Room {
    const ALL: [Self; 6] =
        [Self::Overview, Self::Messages, Self::Failures, Self::Inbound, Self::Quarantine, Self::AuditLog];

    /// The path, the name, and the scope that it requires.
    fn parts(self) -> (&'static str, &'static str, Scope) {
        match self {
            Self::Overview => ("/", "Overview", Scope::Read),
            Self::Messages => ("/messages", "Messages", Scope::Read),
            Self::Failures => ("/failures", "Failures", Scope::Read),
            Self::Inbound => ("/inbound", "Inbound", Scope::Read),
            Self::Quarantine => ("/quarantine", "Quarantine", Scope::Read),
            Self::AuditLog => ("/audit", "Audit log", Scope::Admin),
        }
    }
}

/// The same view for programs.
pub(super) struct Twin {
    /// The path of the API, with its parameters.
    pub(super) api: String,
    /// The command without the server, if there is one.
    pub(super) command: Option<String>,
    /// The path of an export of the same rows.
    pub(super) export: Option<String>,
}

/// A page.
pub(super) struct Page {
    pub(super) title: String,
    /// The place of the navigation; `None` outside of it.
    pub(super) room: Option<Room>,
    pub(super) main: Markup,
    pub(super) twin: Option<Twin>,
}

impl Page {
    /// Renders the page for this request.
    pub(super) fn render(&self, request: &HttpRequest) -> Markup {
        let identity = request.extensions().get::<Identity>().cloned();
        let behind = request.extensions().get::<Behind>().copied();
        let readers = identity.as_ref();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · receiptd" }
                    link rel="stylesheet" href=(STYLE.path());
                    link rel="icon" href=(ICON.path()) type="image/svg+xml";
                    script type="module" src=(SCRIPT.path()) {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        a.brand href="/" { "receiptd" }
                        @if let Some(identity) = readers { (self.tools(identity)) }
                    }
                    main #main {
                        @if let Some(Behind(behind)) = behind {
                            p.card.note { "This page may lack what arrived in the last " (behind.as_secs().max(1)) " seconds. Reload it to see it." }
                        }
                        (self.main)
                        @if let Some(twin) = &self.twin { (also(twin, request)) }
                    }
                    @if readers.is_some_and(|identity| identity.may(Scope::Read)) { (foot()) }
                    (keys())
                }
            }
        }
    }

    /// The box, the navigation, and who is logged in.
    fn tools(&self, identity: &Identity) -> Markup {
        let rooms = Room::ALL.into_iter().filter(|room| identity.may(room.parts().2));
        html! {
            @if identity.may(Scope::Read) {
                form.find role="search" method="post" action="/find" {
                    label.unseen for="q" { "Find a message" }
                    input #q type="search" name="q" placeholder="Number, address, id or code, or paste anything" autocomplete="off" required;
                    button { "Find" }
                }
                nav aria-label="Pages" {
                    @for room in rooms {
                        a href=(room.parts().0) aria-current=[(self.room == Some(room)).then_some("page")] { (room.parts().1) }
                    }
                }
            }
            div.who {
                zone-switch { "Times in UTC" }
                @if identity.has_session {
                    form method="post" action="/session/end" {
                        button.link-button { "Log out " (identity.actor().as_str()) }
                    }
                }
            }
        }
    }

    fn answer(&self, request: &HttpRequest, status: StatusCode) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        for header in HEADERS {
            response.insert_header(header);
        }
        response.body(self.render(request).into_string())
    }
}

/// Where a growing page grows.
pub(super) fn growth() -> Markup {
    PreEscaped(GROWTH.to_owned())
}

impl Page {
    /// Answers with a page that grows at [`growth`] while something happens.
    pub(super) fn growing(self, request: &HttpRequest, parts: impl Stream<Item = Markup> + 'static) -> HttpResponse {
        let text = self.render(request).into_string();
        let (before, after) = text.split_once(GROWTH).unwrap_or((&text, ""));
        let [before, after] = [before, after].map(|part| stream::iter([Bytes::copy_from_slice(part.as_bytes())]));
        let parts = before.chain(parts.map(|part| part.into_string().into())).chain(after);
        let mut response = HttpResponse::Ok();
        for header in HEADERS {
            response.insert_header(header);
        }
        response.streaming(parts.map(Ok::<_, Infallible>))
    }
}

impl Responder for Page {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.answer(request, StatusCode::OK)
    }
}

/// Renders how a program gets the same view.
fn also(twin: &Twin, request: &HttpRequest) -> Markup {
    let base = base(request);
    let has_tokens = request.app_data::<Data<App>>().is_some_and(|app| app.tokens.is_some());
    let header = if has_tokens { "-H \"Authorization: Bearer $RECEIPTD_TOKEN\" " } else { "" };
    html! {
        div.also {
            span { "The same for programs:" }
            a href=(twin.api) { "JSON" }
            @if let Some(export) = &twin.export { a href=(export) download { "CSV" } }
            details { summary { "curl" } pre { "curl " (header) (quoted(&format!("{base}{}", twin.api))) } copy-button {} }
            @if let Some(command) = &twin.command {
                details { summary { "Command line" } pre { "receiptd " (command) " --server " (base) } copy-button {} }
            }
        }
    }
}

/// Where words are explained.
fn foot() -> Markup {
    html! {
        footer.foot {
            nav aria-label="Reference" {
                a href="/statuses" { "Statuses" }
                a href="/codes" { "Codes" }
                a href="/docs" { "API" }
                keys-button {}
            }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            p { kbd { "/" } " moves to the box" }
            p { kbd { "j" } " " kbd { "k" } " move down and up in a list, " kbd { "Enter" } " opens the row" }
            p { kbd { "?" } " shows this" }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// The address of this server, as the reader sees it. A proxy in front adds TLS, unless everything is on this machine.
fn base(request: &HttpRequest) -> String {
    let Some(host) = host(request.head()) else { return String::new() };
    let has_certificate = request.app_data::<Data<App>>().is_some_and(|app| app.certificate.is_some());
    let scheme = if has_certificate || !is_loopback(&host) { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The twin of a message.
pub(super) fn message_twin(id: &str) -> Twin {
    Twin { api: message_path("/v1/messages", id), command: Some(format!("status {}", quoted(id))), export: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        assert_eq!(quoted("order-7"), "order-7");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
