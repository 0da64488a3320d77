//! `GET /messages/{correlationId}`: what happened to a message, and why. `POST …/cancel` cancels it.

pub(super) mod again;
mod sent;
mod timeline;

use actix_web::{HttpResponse, web::Data};
use maud::{Markup, html};

use super::{
    login::see_other,
    page::{Page, Room, message_twin},
    show::{
        Tone, between, channel_name, code_link, exact_time, facts, id, message_path, pill, status, time, with_query,
    },
};
use crate::{
    config::Scope,
    domain::{Origin, PageLimit, Status},
    http::{
        extract::{
            auth::{CanRead, CanSend},
            caught_up::CaughtUp,
            message_id::MessageId,
        },
        problem::Problem,
        routes::cancel::cancelled,
        state::App,
    },
    query::{ListView, MessageView, NotificationView, RecipientView},
};

/// Shows a message.
pub(super) async fn page(caller: CaughtUp<CanRead>, MessageId(id): MessageId, app: Data<App>) -> Result<Page, Problem> {
    let absent = || Problem::no_such_message(id.as_str());
    let mut message = app.query.message(&id).await?.ok_or_else(absent)?;
    let notifications = app.query.notifications(&id, None, PageLimit::default()).await?.ok_or_else(absent)?;
    app.looked_at(caller.actor(), || format!("message {} and its notifications", message.correlation_id)).await?;
    if caller.may(Scope::Content) {
        app.query.add_content(&mut message).await?;
    }
    app.query.add_pace(&mut message).await;
    let can_cancel = caller.may(Scope::Send)
        && message.origin == Origin::Sent.as_str()
        && Status::from_word(&message.status) == Some(Status::Queued);
    let can = Can { cancel: can_cancel, send_again: can_send_again(&caller, &message, &app) };
    let main = main(&message, &notifications, can, &app.clock.now().to_string());
    let twin = Some(message_twin(&message.correlation_id));
    Ok(Page { title: message.correlation_id, room: Some(Room::Messages), main, twin })
}

/// Cancels a message, and shows it again.
pub(super) async fn cancel(
    caller: CaughtUp<CanSend>,
    MessageId(id): MessageId,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    cancelled(caller.actor(), &id, &app).await?;
    Ok(see_other(&message_path("/messages", id.as_str()), None))
}

/// What the reader can do with the message.
#[derive(Clone, Copy)]
struct Can {
    cancel: bool,
    send_again: bool,
}

/// Whether receiptd has what the message said, and the reader may see it and send.
fn can_send_again(caller: &CaughtUp<CanRead>, message: &MessageView, app: &App) -> bool {
    let waits = matches!(Status::from_word(&message.status), Some(Status::Queued | Status::Sending));
    let may = caller.may(Scope::Send) && caller.may(Scope::Content);
    may && !waits && message.submission.is_some() && app.sender.is_configured()
}

fn main(message: &MessageView, notifications: &ListView<NotificationView>, can: Can, now: &str) -> Markup {
    html! {
        p.trail { a href="/messages" { "Messages" } " › " (id(&message.correlation_id)) }
        (verdict(message, can, now))
        h2 { "What was sent" }
        section.card {
            @if let Some(submission) = &message.submission { (sent::render(submission)) }
            (about(message))
        }
        @if let Some(recipients) = &message.recipients { (all(recipients, message.channel.as_deref())) }
        h2 { "What happened, and what counted" }
        section.card { (timeline::render(message)) }
        h2 #raw { "What the platform posted" }
        section.card { (raw(message, notifications)) }
    }
}

/// The answer, before the evidence.
fn verdict(message: &MessageView, can: Can, now: &str) -> Markup {
    let tone = Tone::of(&message.status);
    let tone = if tone == Tone::Plain && message.overdue { Tone::Warn } else { tone };
    let known = message.status_at.as_deref().unwrap_or(&message.updated_at);
    html! {
        section.card.verdict.(tone.class()) aria-labelledby="verdict" {
            div {
                (status(&message.status, message.failure.as_deref()))
                @if message.overdue { " " (pill(Tone::Warn, "Overdue")) }
                h1 #verdict { (message.verdict.sentence) }
                p { (message.verdict.advice) }
                @for warning in &message.warnings { p { b { "Note: " } (warning) "." } }
                p.side {
                    @if let Some(side) = &message.verdict.side { "Whose side: " b { (side_words(side)) } " · " }
                    "Sending again: " b { (resend_words(&message.verdict.resend)) } " · "
                    "Known since " (time(known))
                    @if let Some(ago) = between(known, now) { ", " (ago) " ago" }
                }
            }
            div.actions {
                @if let Some(to) = &message.to {
                    form method="post" action="/find" {
                        input type="hidden" name="q" value=(to);
                        button.main-button { "All messages to " (addressee(message.channel.as_deref())) }
                    }
                }
                @if can.send_again {
                    a.button href={ (message_path("/messages", &message.correlation_id)) "/again" } { "Send again" }
                }
                @if can.cancel {
                    form method="post" action=(message_path("/messages", &message.correlation_id) + "/cancel") {
                        button { "Cancel this message" }
                    }
                }
                @if message.notification_count > 0 {
                    a.button href="#raw" { "Raw notifications (" (message.notification_count) ")" }
                }
            }
        }
    }
}

pub(super) fn side_words(side: &str) -> &str {
    match side {
        "sender" => "the sender",
        "recipient" => "the recipient’s number or device",
        "network" => "the network",
        "platform" => "the platform, Webex Connect",
        "us" => "us: this receiptd",
        other => other,
    }
}

pub(super) fn resend_words(resend: &str) -> &str {
    match resend {
        "risky" => "risky, it may arrive twice",
        "later" => "may help later",
        "perhaps" => "perhaps helps",
        "corrected" => "only when it is corrected",
        other => other,
    }
}

fn addressee(channel: Option<&str>) -> &'static str {
    match channel {
        Some("sms" | "mms" | "rcs" | "whatsapp" | "voice") => "this number",
        Some("email") => "this address",
        _ => "this recipient",
    }
}

fn about(message: &MessageView) -> Markup {
    let text = |text: &Option<String>| text.as_ref().map(|text| html! { (text) });
    let mono = |text: &Option<String>| text.as_ref().map(|text| id(text));
    let channel = message.channel.as_deref();
    let of_channel = |name| html! { a href=(with_query("/messages", [("channel", name)])) { (channel_name(name)) } };
    let origin =
        if message.origin == Origin::Sent.as_str() { "sent by receiptd" } else { "observed: another system sent it" };
    let given = message.submission.as_ref();
    facts([
        ("To", text(&message.to)),
        ("From", text(&message.from)),
        ("Channel", channel.map(of_channel)),
        ("Segments", message.segments.map(|segments| html! { (segments) })),
        ("Final", Some(html! { @if message.is_final { "yes" } @else { "no, it may still change" } })),
        ("Overdue", Some(html! { @if message.overdue { "yes" } @else { "no" } })),
        ("Not sent before", given.and_then(|given| given.send_at.as_deref()).map(exact_time)),
        ("Not sent after", given.and_then(|given| given.expire_at.as_deref()).map(exact_time)),
        ("First known", Some(exact_time(&message.created_at))),
        ("Time of the status", message.status_at.as_deref().map(exact_time)),
        ("Last change", Some(exact_time(&message.updated_at))),
        ("Code", message.code.as_deref().map(|code| code_link(code, channel))),
        ("Reason", text(&message.reason)),
        ("Origin", Some(html! { (origin) })),
        ("Correlation id", Some(id(&message.correlation_id))),
        ("Transaction id", mono(&message.transaction_id)),
        ("Callback data", mono(&message.callback_data)),
        ("Notifications", Some(html! { (message.notification_count) })),
        ("Recipients", message.recipient_count.map(|count| html! { (count) })),
    ])
}

fn all(recipients: &[RecipientView], channel: Option<&str>) -> Markup {
    html! {
        h2 { "Its " (recipients.len()) " recipients" }
        div.card.wide {
            table.stacked {
                thead { tr { th { "Recipient" } th { "Status" } th { "What it means" } th { "Code" } th { "Final" } th { "Transaction id" } } }
                tbody {
                    @for one in recipients {
                        tr {
                            td { (one.to) }
                            td { (status(&one.status, one.failure.as_deref())) }
                            td {
                                (one.verdict.sentence) br;
                                small {
                                    (one.verdict.advice)
                                    @if let Some(side) = &one.verdict.side { " Whose side: " (side_words(side)) "." }
                                    " Sending again: " (resend_words(&one.verdict.resend)) "."
                                    @if let Some(reason) = &one.reason { " “" (reason) "”" }
                                }
                            }
                            td data-label="Code" { @if let Some(code) = &one.code { (code_link(code, channel)) } @else { "–" } }
                            td data-label="Final" { @if one.is_final { "yes" } @else { "no" } }
                            td data-label="Transaction id" { (id(one.transaction_id.as_deref().unwrap_or("–"))) }
                        }
                    }
                }
            }
        }
    }
}

fn raw(message: &MessageView, notifications: &ListView<NotificationView>) -> Markup {
    let text = |text: &Option<String>| text.as_ref().map(|text| html! { (text) });
    html! {
        @if notifications.items.is_empty() { p.none { "Nothing yet." } }
        @for one in &notifications.items {
            details {
                summary {
                    (exact_time(&one.received_at)) " · " b { (one.status_text) }
                    @if let Some(code) = &one.code { " " code { (code) } }
                    @if one.times > 1 { " · received " (one.times) " times" }
                }
                (facts([
                    ("Read as", Some(status(&one.status, one.failure.as_deref()))),
                    ("Time of the event", one.at.as_deref().map(exact_time)),
                    ("Received", Some(exact_time(&one.received_at))),
                    ("Received, times", Some(html! { (one.times) })),
                    ("Came by", Some(html! { (one.source) })),
                    ("Description", text(&one.reason)),
                    ("Detail", text(&one.detail)),
                    ("Channel", text(&one.channel)),
                    ("To", text(&one.to)),
                    ("Segments", one.segments.map(|segments| html! { (segments) })),
                    ("Transaction id", one.transaction_id.as_deref().map(id)),
                    ("Callback data", one.callback_data.as_deref().map(id)),
                    ("Fingerprint", Some(id(&one.fingerprint))),
                ]))
                div { pre { (one.body) } copy-button {} }
            }
        }
        @if let Some(next) = &notifications.next_cursor {
            p { a href=(with_query(&(message_path("/v1/messages", &message.correlation_id) + "/notifications"), [("cursor", next.as_str())])) { "Further notifications, as JSON" } }
        }
    }
}
