//! Logs people in and out: `POST /session` as a form, and `POST /session/end`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, LOCATION, SET_COOKIE},
    },
    web::{Data, Payload},
};
use maud::html;

use super::{
    page::{HEADERS, Page},
    show::capitalised,
};
use crate::http::{
    extract::{auth::session, form::Form},
    problem::{Code, Problem},
    state::App,
};

/// The form to log in. `back` is the address that opens afterwards.
pub(super) fn form(back: &str, problem: Option<&Problem>) -> Page {
    let main = html! {
        section.card.login {
            h1 { "Log in" }
            p.soft { "Use an API token of this receiptd. You see and may do what the token permits." }
            @if let Some(problem) = problem { p.problem role="alert" { (words(problem)) } }
            form method="post" action="/session" {
                label for="token" { "API token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus;
                input type="hidden" name="back" value=(back);
                button.main-button { "Log in" }
            }
        }
    };
    Page { title: "Log in".to_owned(), room: None, main, twin: None }
}

fn words(problem: &Problem) -> String {
    match problem.code() {
        Code::Unauthorized => "This token is not known here. Check it, and try again.".to_owned(),
        _ => format!("{}.", capitalised(problem.detail())),
    }
}

/// Begins a session, and opens the page that the person wanted to see.
pub(super) async fn enter(head: HttpRequest, payload: Payload, app: Data<App>) -> Result<HttpResponse, Problem> {
    let sent = Form::read(&head, payload).await?;
    let (mut token, mut back) = (String::new(), "/".to_owned());
    for (name, value) in sent.fields() {
        match &*name {
            "token" => value.trim().clone_into(&mut token),
            "back" if is_here(&value) => value.into_owned().clone_into(&mut back),
            _ => {}
        }
    }
    match session::begin(&head, &app, &token).await {
        Ok(begun) => Ok(see_other(&back, begun.cookie)),
        Err(problem) => {
            let mut answer = problem.answer_with(form(&back, Some(&problem)).render(&head).into_string());
            for (name, value) in HEADERS {
                answer.headers_mut().insert(name, value);
            }
            Ok(answer)
        }
    }
}

/// Ends the session.
pub(super) async fn leave(head: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    Ok(see_other("/", session::end(&head, &app).await?))
}

/// Whether the address is a path of this server. `//host` and `/\host` are addresses of others.
fn is_here(address: &str) -> bool {
    let mut letters = address.chars();
    letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Sends the browser to a path of this server.
pub(super) fn see_other(path: &str, cookie: Option<HeaderValue>) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::SEE_OTHER);
    response.insert_header((LOCATION, path));
    if let Some(cookie) = cookie {
        response.insert_header((SET_COOKIE, cookie));
    }
    response.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_opened_after_a_login() {
        for good in ["/", "/messages?status=failed", "/messages/a%2Fb"] {
            assert!(is_here(good), "{good}");
        }
        for bad in ["", "//evil.example", "/\\evil.example", "https://evil.example", "messages", "/a\r\nb", "/é"] {
            assert!(!is_here(bad), "{bad}");
        }
    }
}
