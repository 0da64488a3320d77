//! A browser for one test, with short method names. Each page it leaves must have caused no error and no report of the
//! policy.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{TestServer, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;
use temporary_postgres::install_package;
use tokio::time::timeout;

use crate::webdriver::{Element, Session};

/// Collects what a page should not cause. It runs before every script of a page.
const WATCH: &str = include_str!("watch.js");
/// Finds barriers for people with disabilities.
const AXE: &str = include_str!("vendor/axe.min.js");
/// Returns what makes the page wider than the screen.
const BEYOND: &str = include_str!("beyond.js");
/// Runs axe, and returns a line for each barrier.
const RUN_AXE: &str = include_str!("axe.js");
/// How long a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);
/// The key Enter, as the protocol writes it.
const ENTER: &str = "\u{E007}";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// A browser. It must be closed at the end of the test.
pub(crate) struct Browser {
    session: Session,
    base: String,
    has_scripts: bool,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// A new browser without a session of receiptd.
    pub(crate) async fn open(server: &TestServer) -> Self {
        Self::with(server, true).await
    }

    /// One that runs no scripts.
    pub(crate) async fn without_scripts(server: &TestServer) -> Self {
        Self::with(server, false).await
    }

    /// One in which a person has logged in.
    pub(crate) async fn logged_in(server: &TestServer, token: &str) -> Self {
        let browser = Self::open(server).await;
        browser.goes_to("/messages").await;
        browser.types("#token", token).await;
        browser.sees("Log out").await;
        browser
    }

    async fn with(server: &TestServer, has_scripts: bool) -> Self {
        install();
        let profile = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = Command::new("chromedriver");
        let driver = driver.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        // Chromium does not run as root with a sandbox, as in most containers.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &folder];
        let mut options = json!({ "args": arguments });
        if !has_scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let url = format!("http://127.0.0.1:{port}");
        let session = eventually("chromedriver to answer", async || Session::begin(&url, &options).await).await;
        if has_scripts {
            session.tell_tools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        }
        Self { session, base: format!("http://{}", server.address), has_scripts, driver, _profile: profile }
    }

    pub(crate) async fn close(mut self) {
        self.assert_no_complaints().await;
        self.session.end().await;
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }

    pub(crate) async fn goes_to(&self, path: &str) {
        self.assert_no_complaints().await;
        self.session.post("url", json!({ "url": format!("{}{path}", self.base) })).await.unwrap();
    }

    pub(crate) async fn goes_back(&self) {
        self.assert_no_complaints().await;
        self.session.post("back", json!({})).await.unwrap();
    }

    /// The path and the parameters of the address.
    pub(crate) async fn path(&self) -> String {
        let address = self.session.get("url").await.unwrap();
        address.as_str().unwrap().strip_prefix(&self.base).unwrap().to_owned()
    }

    /// Waits until the page shows this text.
    pub(crate) async fn sees(&self, text: &str) {
        let mut shown = String::new();
        let look = async || {
            shown = self.text().await;
            shown.to_lowercase().contains(&text.to_lowercase()).then_some(())
        };
        let seen = timeout(PATIENCE, eventually("a text", look)).await;
        assert!(seen.is_ok(), "the page does not show {text:?}: {shown}");
    }

    /// Waits until the page does not show this text.
    pub(crate) async fn does_not_see(&self, text: &str) {
        let mut shown = String::new();
        let look = async || {
            shown = self.text().await;
            (!shown.is_empty() && !shown.to_lowercase().contains(&text.to_lowercase())).then_some(())
        };
        let gone = timeout(PATIENCE, eventually("a text to go", look)).await;
        assert!(gone.is_ok(), "the page shows {text:?}: {shown}");
    }

    /// The text of the page; empty while there is none.
    async fn text(&self) -> String {
        match self.session.find_all("css selector", "body").await.first() {
            Some(body) => self.session.text(body).await.unwrap_or_default(),
            None => String::new(),
        }
    }

    async fn find(&self, using: &str, value: &str) -> Element {
        let found = async || self.session.find_all(using, value).await.into_iter().next();
        eventually(&format!("{value} to be there"), found).await
    }

    /// Types into a field, and sends its form.
    pub(crate) async fn types(&self, field: &str, text: &str) {
        let field = self.find("css selector", field).await;
        self.session.act(&field, "clear").await.unwrap();
        self.assert_no_complaints().await;
        self.session.type_into(&field, &format!("{text}{ENTER}")).await.unwrap();
    }

    /// Presses keys where the focus is.
    pub(crate) async fn presses(&self, keys: &[&str]) {
        for key in keys {
            let focused = self.session.focused().await;
            self.session.type_into(&focused, key).await.unwrap();
        }
    }

    /// Clicks the link or the button with this text.
    pub(crate) async fn clicks(&self, text: &str) {
        let element = self.find("xpath", &format!("//*[self::a or self::button][normalize-space(.)={text:?}]")).await;
        self.assert_no_complaints().await;
        self.session.act(&element, "click").await.unwrap();
    }

    /// Chooses an option of a form.
    pub(crate) async fn chooses(&self, name: &str, value: &str) {
        let option = self.find("css selector", &format!("select[name={name}] option[value={value}]")).await;
        self.session.act(&option, "click").await.unwrap();
    }

    /// Ticks a box of a form.
    pub(crate) async fn ticks(&self, name: &str) {
        let tick = self.find("css selector", &format!("input[type=checkbox][name={name}]")).await;
        self.session.act(&tick, "click").await.unwrap();
    }

    /// Opens the first folded part.
    pub(crate) async fn opens_details(&self) {
        let summary = self.find("css selector", "main details summary").await;
        self.session.act(&summary, "click").await.unwrap();
    }

    /// The texts of the rows of a list, of which there must be some.
    pub(crate) async fn rows(&self) -> Vec<String> {
        self.find("css selector", "a[data-row]").await;
        let mut texts = Vec::new();
        for row in self.session.find_all("css selector", "a[data-row]").await {
            texts.push(self.session.text(&row).await.unwrap());
        }
        texts
    }

    pub(crate) async fn is_in_zone(&self, zone: &str) {
        self.session.tell_tools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
    }

    /// Sets the width of the screen, and the theme.
    async fn looks(&self, width: u32, theme: Theme) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.session.tell_tools("Emulation.setDeviceMetricsOverride", size).await;
        let value = if matches!(theme, Theme::Dark) { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.session.tell_tools("Emulation.setEmulatedMedia", media).await;
    }

    /// Fails if the page is wider than the screen.
    async fn fits(&self, place: &str) {
        let beyond = self.session.run(BEYOND).await;
        assert_eq!(beyond, json!([]), "{place}: the page is wider than the screen: {beyond:#}");
    }

    /// Fails if axe finds a barrier for people with disabilities.
    async fn has_no_barriers(&self, place: &str) {
        // As a script of the driver, since the policy of the page allows no other script in the page.
        let barriers = self.session.run_until_done(&format!("{AXE};{RUN_AXE}")).await;
        assert_eq!(barriers, json!([]), "{place}: {barriers:#}");
    }

    /// Looks at the page on narrow and wide screens in both themes, and stores pictures: it fits, and has no barriers.
    pub(crate) async fn suits_everyone(&self, name: &str) {
        for (width, theme) in [(320, Theme::Light), (320, Theme::Dark), (1280, Theme::Dark), (1280, Theme::Light)] {
            self.looks(width, theme).await;
            let place = format!("{name} at {width}, {theme:?}");
            self.fits(&place).await;
            self.has_no_barriers(&place).await;
            self.is_photographed(&format!("{name}-{width}-{theme:?}").to_lowercase()).await;
        }
    }

    /// Stores a picture of the whole page.
    async fn is_photographed(&self, name: &str) {
        let whole = json!({ "captureBeyondViewport": true, "format": "png" });
        let picture = self.session.tell_tools("Page.captureScreenshot", whole).await;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::create_dir_all(folder()).unwrap();
        fs::write(folder().join(format!("{name}.png")), bytes).unwrap();
    }

    async fn assert_no_complaints(&self) {
        if self.has_scripts {
            let complaints = self.session.run("return window.complaints || []").await;
            let address = self.session.get("url").await.unwrap_or(Value::Null);
            assert_eq!(complaints, json!([]), "{address}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a failed test. An error means that it has ended already.
        let _ = self.driver.kill();
    }
}

/// Where pictures are stored.
fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target")).join("screenshots")
}

/// Installs the browser if it is missing and the user may install packages.
fn install() {
    let answers = |program: &str| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    for (program, package) in [("chromium", "chromium"), ("chromedriver", "chromium-driver")] {
        let is_there = answers(program) || (install_package(package) && answers(program));
        assert!(is_there, "{program} is missing; install it with `apt-get install {package}`");
    }
}
