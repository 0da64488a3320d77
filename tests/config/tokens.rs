//! The tokens of the API.

use receiptd::config::{ConfigError, Scope, Settings};
use secrecy::ExposeSecret;

use super::{from_environment, from_file};

#[test]
fn tokens_have_two_forms() {
    let tokens = |settings: Settings| {
        let tokens = settings.tokens.unwrap().current();
        let tokens = tokens.iter().cloned();
        tokens.map(|one| (one.name, one.scopes, one.secret.expose_secret().to_owned())).collect::<Vec<_>>()
    };
    let expected = [
        ("ops".to_owned(), vec![Scope::Admin], "s3:cret".to_owned()),
        ("shop".to_owned(), vec![Scope::Send, Scope::Read], "t0ken".to_owned()),
    ];
    let short = from_environment(&[("RECEIPTD_API_TOKENS", "ops:admin:s3:cret, shop:send+read:t0ken")]);
    assert_eq!(tokens(short.unwrap()), expected);
    let listed = from_file("api.tokens = ['ops:admin:s3:cret', 'shop:send+read:t0ken']");
    assert_eq!(tokens(listed.unwrap()), expected);
    let lines = from_environment(&[("RECEIPTD_API_TOKENS", "ops:admin:s3:cret\nshop:send+read:t0ken")]);
    assert_eq!(tokens(lines.unwrap()), expected);
    let long = "[[api.tokens]]\nname = 'ops'\nscopes = ['admin']\nsecret = 's3:cret'\n\
                [[api.tokens]]\nname = 'shop'\nscopes = ['send', 'read']\nsecret = 't0ken'";
    assert_eq!(tokens(from_file(long).unwrap()), expected);
    for bad in
        ["s3cret", "ops:admin", "ops:admin:", ":admin:s3cret", "ops:root:s3cret", "ops::s3cret", "ops:read,send:xxxx"]
    {
        let ConfigError(faults) = from_environment(&[("RECEIPTD_API_TOKENS", bad)]).unwrap_err();
        assert!(faults[0].starts_with("api.tokens: number 1 must be name:scopes:secret"), "{faults:?}");
    }
}
