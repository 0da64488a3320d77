//! All problems: one exhaustive table, from which the answers and the API description are made.

use actix_web::http::StatusCode;

/// Every way in which a request can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    NotJson,
    Unauthorized,
    Forbidden,
    AddressNotAllowed,
    ForeignOrigin,
    Misdirected,
    TooManyRequests,
    NotFound,
    NoSuchPath,
    Gone,
    InvalidView,
    ViewEnded,
    NotAnExport,
    MethodNotAllowed,
    Conflict,
    IdempotencyConflict,
    TooLate,
    NotOurs,
    BodyTooLarge,
    UnsupportedMediaType,
    ForeignNotification,
    SendingNotConfigured,
    CredentialsRefused,
    PlatformUnreachable,
    UnexpectedAnswers,
    Unavailable,
}

impl Code {
    /// All of them.
    pub(crate) const ALL: [Self; 27] = [
        Self::InvalidRequest,
        Self::NotJson,
        Self::Unauthorized,
        Self::Forbidden,
        Self::AddressNotAllowed,
        Self::ForeignOrigin,
        Self::Misdirected,
        Self::TooManyRequests,
        Self::NotFound,
        Self::NoSuchPath,
        Self::Gone,
        Self::InvalidView,
        Self::ViewEnded,
        Self::NotAnExport,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::IdempotencyConflict,
        Self::TooLate,
        Self::NotOurs,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::ForeignNotification,
        Self::SendingNotConfigured,
        Self::CredentialsRefused,
        Self::PlatformUnreachable,
        Self::UnexpectedAnswers,
        Self::Unavailable,
    ];

    /// The HTTP status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        self.parts().0
    }

    /// The stable code for programs.
    pub(crate) fn as_str(self) -> &'static str {
        self.parts().1
    }

    /// The title for people.
    pub(crate) fn title(self) -> &'static str {
        self.parts().2
    }

    /// The table of status, code and title.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", "The request is not valid"),
            Self::NotJson => (StatusCode::BAD_REQUEST, "not-json", "The body is not JSON"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "The credentials are missing or wrong"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The token does not have the required scope"),
            Self::AddressNotAllowed => {
                (StatusCode::FORBIDDEN, "address-not-allowed", "Notifications from this address are not allowed")
            }
            Self::ForeignOrigin => {
                (StatusCode::FORBIDDEN, "foreign-origin", "The request comes from a page of another origin")
            }
            Self::Misdirected => {
                (StatusCode::MISDIRECTED_REQUEST, "misdirected", "The host name does not belong to this server")
            }
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many concurrent requests, or too many in a minute",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "The requested item does not exist"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no-such-path", "The path does not exist"),
            Self::Gone => (StatusCode::GONE, "gone", "The events have been removed"),
            Self::InvalidView => (StatusCode::BAD_REQUEST, "invalid-view", "The view cannot be read"),
            Self::ViewEnded => (StatusCode::GONE, "view-ended", "The view has ended"),
            Self::NotAnExport => (StatusCode::UNPROCESSABLE_ENTITY, "not-an-export", "The file cannot be read"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not support this method")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The correlation id belongs to another message"),
            Self::IdempotencyConflict => {
                (StatusCode::CONFLICT, "idempotency-conflict", "The Idempotency-Key belongs to another message")
            }
            Self::TooLate => (StatusCode::CONFLICT, "too-late", "The message can no longer be cancelled"),
            Self::NotOurs => (StatusCode::CONFLICT, "not-ours", "The message belongs to another system"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The content type is not supported")
            }
            Self::ForeignNotification => {
                (StatusCode::UNPROCESSABLE_ENTITY, "foreign-notification", "The notification belongs to another API")
            }
            Self::SendingNotConfigured => {
                (StatusCode::CONFLICT, "sending-not-configured", "There is no platform to send to")
            }
            Self::CredentialsRefused => {
                (StatusCode::SERVICE_UNAVAILABLE, "credentials-refused", "The platform rejects the credentials")
            }
            Self::PlatformUnreachable => {
                (StatusCode::SERVICE_UNAVAILABLE, "platform-unreachable", "The platform cannot be reached")
            }
            Self::UnexpectedAnswers => {
                (StatusCode::SERVICE_UNAVAILABLE, "unexpected-answers", "The answers are not those of the platform")
            }
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable; try again"),
        }
    }
}
