//! As much of the protocol `WebDriver` as the tests need: one request a command.
//!
//! thirtyfour, the usual crate, turns on a feature of `serde_json` that keeps the order of members. In a workspace this
//! applies to the program under test too, and tests would run another program than the one that is released.

use reqwest::Client;
use serde_json::{Value, json};

/// A session with a browser.
pub(crate) struct Session {
    client: Client,
    /// The address of the session.
    base: String,
}

/// An element of the page.
#[derive(Clone)]
pub(crate) struct Element(String);

/// The name under which the protocol passes elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Session {
    /// Begins a session at a driver. `None` if it does not answer yet.
    pub(crate) async fn begin(driver: &str, options: &Value) -> Option<Self> {
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer = client.post(format!("{driver}/session")).json(&wanted).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        let id = answer["value"]["sessionId"].as_str()?;
        Some(Self { client, base: format!("{driver}/session/{id}") })
    }

    /// Sends a command. The error is what the driver says.
    pub(crate) async fn post(&self, command: &str, parameters: Value) -> Result<Value, String> {
        let request = self.client.post(format!("{}/{command}", self.base)).json(&parameters);
        Self::read(request.send().await).await
    }

    pub(crate) async fn get(&self, command: &str) -> Result<Value, String> {
        Self::read(self.client.get(format!("{}/{command}", self.base)).send().await).await
    }

    /// Ends the session, and with it the browser.
    pub(crate) async fn end(&self) {
        self.client.delete(&self.base).send().await.unwrap();
    }

    async fn read(answer: reqwest::Result<reqwest::Response>) -> Result<Value, String> {
        let answer = answer.map_err(|error| error.to_string())?;
        let is_done = answer.status().is_success();
        let mut body: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = body["value"].take();
        if is_done { Ok(value) } else { Err(value["message"].as_str().unwrap_or_default().to_owned()) }
    }

    /// All elements that a selector or an `XPath` finds.
    pub(crate) async fn find_all(&self, using: &str, value: &str) -> Vec<Element> {
        let found = self.post("elements", json!({ "using": using, "value": value })).await.unwrap_or_default();
        let elements = found.as_array().cloned().unwrap_or_default();
        elements.iter().filter_map(|one| Some(Element(one[ELEMENT].as_str()?.to_owned()))).collect()
    }

    /// The element that has the focus.
    pub(crate) async fn focused(&self) -> Element {
        let found = self.get("element/active").await.unwrap();
        Element(found[ELEMENT].as_str().unwrap().to_owned())
    }

    /// The text of an element, as it is shown.
    pub(crate) async fn text(&self, element: &Element) -> Result<String, String> {
        let text = self.get(&format!("element/{}/text", element.0)).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Does something with an element: `click`, `clear`.
    pub(crate) async fn act(&self, element: &Element, act: &str) -> Result<Value, String> {
        self.post(&format!("element/{}/{act}", element.0), json!({})).await
    }

    pub(crate) async fn type_into(&self, element: &Element, text: &str) -> Result<Value, String> {
        self.post(&format!("element/{}/value", element.0), json!({ "text": text })).await
    }

    /// Runs a script in the page, and returns its result.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await.unwrap()
    }

    /// Runs a script that passes its result to its last argument.
    pub(crate) async fn run_until_done(&self, script: &str) -> Value {
        self.post("execute/async", json!({ "script": script, "args": [] })).await.unwrap()
    }

    /// Sends a command of the developer tools of Chromium.
    pub(crate) async fn tell_tools(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await.unwrap()
    }
}
