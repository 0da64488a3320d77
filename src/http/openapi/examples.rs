//! Adds an example of each request and of each answer to the description.

use serde_json::Value;

/// Adds the examples to the operations of these paths.
pub(super) fn add(paths: &mut Value, examples: &Value) {
    let items = paths.as_object_mut().into_iter().flatten().filter_map(|(_, item)| item.as_object_mut());
    for (_, operation) in items.flatten().filter(|(name, _)| *name != "parameters") {
        let example = &examples[operation["operationId"].as_str().unwrap_or_default()];
        put(operation.pointer_mut("/requestBody/content"), &example["request"]);
        put(usual_answer(operation).and_then(|answer| answer.get_mut("content")), &example["answer"]);
    }
}

/// The answer that an operation usually gives.
fn usual_answer(operation: &mut Value) -> Option<&mut Value> {
    let answers = operation["responses"].as_object_mut()?;
    // A message that is sent is answered with 202, and only a repetition with 200.
    let status = ["202", "200"].into_iter().find(|status| answers.contains_key(*status))?;
    answers.get_mut(status)
}

/// Puts an example into the content of the first media type that it can have: a text is not JSON.
fn put(contents: Option<&mut Value>, example: &Value) {
    let contents = contents.and_then(Value::as_object_mut).filter(|_| !example.is_null());
    let Some(contents) = contents else { return };
    let fits = |media: &str| media.ends_with("/json") != example.is_string();
    if let Some((_, content)) = contents.iter_mut().find(|(media, _)| fits(media)) {
        content["example"] = example.clone();
    }
}
