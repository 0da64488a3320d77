//! Errors in the settings are reported without revealing a secret.

use super::{from_environment, from_file};

#[test]
fn no_error_or_debug_output_reveals_a_secret() {
    let texts = ["api.tokens", "notify.path_token", "notify.hub_secrets", "notify.basic", "notify.bearer"];
    // With another type, without quotes, unterminated, in a list, in a table; with and without other errors.
    let values = ["'X'", "X", "'X", "['X', 7]", "[['X']]", "{ X = 'X' }", "['X']", "[{ name = 'X', scopes = ['X'] }]"];
    let others = ["webex.service_key", "webex.service_secret", "database_url", "tls.certificate", "tls.key"];
    for key in texts.into_iter().chain(others) {
        for value in values.map(|value| value.replace('X', "pl4nted")) {
            for rest in ["", "\nlog.format = 'xml'\nlisten = 'here'"] {
                let shown = match from_file(&format!("{key} = {value}{rest}")) {
                    Ok(settings) => format!("{settings:?}"),
                    Err(error) => format!("{error} {error:?}"),
                };
                assert!(!shown.contains("pl4nted"), "{key} = {value}: {shown}");
            }
        }
    }
    // A number is not a text, but it is still a secret.
    for key in texts {
        let error = from_file(&format!("{key} = 271828")).unwrap_err().to_string();
        assert!(!error.contains("271828"), "{error}");
    }
    let error = from_environment(&[("RECEIPTD_NOTIFY__BASIC", "pl4nted"), ("RECEIPTD_API_TOKENS", "pl4nted")]);
    let error = error.unwrap_err().to_string();
    assert_eq!((error.lines().count(), error.contains("pl4nted")), (3, false), "{error}");
}
