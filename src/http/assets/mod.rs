//! The files that pages load. The address of each contains a hash of its text, so browsers keep it as long as they like.

use std::sync::LazyLock;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::Path,
};
use sha2::{Digest, Sha256};

use crate::http::problem::{Code, Problem};

/// The content security policy of pages: nothing is loaded from elsewhere, and no script or style stands in the page itself.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A file that is part of the program.
pub(crate) struct Asset {
    media_type: &'static str,
    text: &'static str,
    file: LazyLock<String>,
}

/// The style sheet.
pub(crate) static STYLE: Asset = Asset {
    media_type: "text/css; charset=utf-8",
    text: include_str!("app.css"),
    file: LazyLock::new(|| hashed("app", include_str!("app.css"), "css")),
};
/// The script.
pub(crate) static SCRIPT: Asset = Asset {
    media_type: "text/javascript; charset=utf-8",
    text: include_str!("app.js"),
    file: LazyLock::new(|| hashed("app", include_str!("app.js"), "js")),
};
/// The icon of the pages.
pub(crate) static ICON: Asset = Asset {
    media_type: "image/svg+xml",
    text: include_str!("icon.svg"),
    file: LazyLock::new(|| hashed("icon", include_str!("icon.svg"), "svg")),
};

impl Asset {
    /// The path at which it is served.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", *self.file)
    }
}

fn hashed(stem: &str, text: &str, extension: &str) -> String {
    let hash = hex::encode(Sha256::digest(text));
    format!("{stem}-{}.{extension}", &hash[..16])
}

/// Returns an asset.
pub(crate) async fn serve(file: Path<String>) -> Result<HttpResponse, Problem> {
    let asset = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| *asset.file == *file);
    let asset = asset.ok_or_else(|| Problem::new(Code::NoSuchPath, "there is no such file; reload the page"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.media_type))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.text))
}
