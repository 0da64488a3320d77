//! Tests every set of methods, with one active secret and with two, and every combination of credentials.

use secrecy::SecretString;

use super::*;
use crate::secret::ReloadableSecret;

/// The credential for one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    First,
    Second,
    Wrong,
    Missing,
}

use Shown::{First, Missing, Second, Wrong};

const METHODS: [NotifyMethod; 4] =
    [NotifyMethod::PathToken, NotifyMethod::Basic, NotifyMethod::Bearer, NotifyMethod::Signature];
const BODY: &[u8] = b"{\"a\": 1}";

/// Returns every way to choose one of `choices` for each method.
fn each_choice<T: Copy>(choices: &[T]) -> Vec<[T; 4]> {
    let mut all = vec![[choices[0]; 4]];
    for method in 0..4 {
        let with = |one: [T; 4], choice| {
            let mut one = one;
            one[method] = choice;
            one
        };
        all = all.into_iter().flat_map(|one| choices.iter().map(move |choice| with(one, *choice))).collect();
    }
    all
}

fn secret(method: usize, position: usize) -> String {
    format!("user:s3cret-{method}-{position}")
}

/// Returns `count` active secrets of a method. A method with none is not required.
fn keys(method: usize, count: usize) -> Option<Keys> {
    let secrets = (0..count).map(|position| SecretString::from(secret(method, position))).collect();
    ActiveSecrets::new(secrets).ok().map(ReloadableSecret::fixed)
}

/// Returns the credential as a text.
fn text(method: usize, shown: Shown) -> Option<String> {
    match shown {
        First => Some(secret(method, 0)),
        Second => Some(secret(method, 1)),
        Wrong => Some(format!("{}x", secret(method, 0))),
        Missing => None,
    }
}

/// Returns the positions of the secrets that a request proved.
fn positions(asked: &Authentication, shown: [Shown; 4]) -> Result<Vec<(NotifyMethod, usize)>, Denied> {
    let path = text(0, shown[0]);
    // Both use the same header, so at most one of them can be sent.
    let basic = text(1, shown[1]).map(|text| format!("Basic {}", BASE64_STANDARD.encode(text)));
    let authorization = basic.or_else(|| text(2, shown[2]).map(|text| format!("Bearer {text}")));
    let signature = text(3, shown[3]).map(|text| signature::sign(BODY, &text.into()));
    let credentials = Credentials {
        path_token: path.as_deref(),
        authorization: authorization.as_deref(),
        signature: signature.as_deref(),
    };
    asked.check(&credentials, BODY).map(|matched| matched.methods().collect())
}

#[test]
fn exactly_the_requests_that_prove_all_that_is_required_are_accepted() {
    let mut accepted = 0;
    for counts in each_choice(&[0, 1, 2]) {
        // The settings exclude the combination of both.
        if counts[1] > 0 && counts[2] > 0 {
            continue;
        }
        let asked = Authentication {
            path_token: keys(0, counts[0]),
            basic: keys(1, counts[1]),
            bearer: keys(2, counts[2]),
            hub_secrets: keys(3, counts[3]),
        };
        assert_eq!(asked.is_open(), counts == [0; 4]);
        for shown in each_choice(&[First, Second, Wrong, Missing]) {
            if shown[1] != Missing && shown[2] != Missing {
                continue;
            }
            let good = |method: usize| match shown[method] {
                First => counts[method] > 0,
                Second => counts[method] > 1,
                Wrong | Missing => false,
            };
            let expected = (0..4).all(|method| counts[method] == 0 || good(method));
            let found = positions(&asked, shown);
            assert_eq!(found.is_ok(), expected, "{counts:?} {shown:?}: {found:?}");
            let Ok(found) = found else { continue };
            let position = |method: usize| usize::from(shown[method] == Second);
            let proved = (0..4).filter(|method| counts[*method] > 0).map(|method| (METHODS[method], position(method)));
            assert_eq!(found, proved.collect::<Vec<_>>(), "{counts:?} {shown:?}");
            accepted += 1;
        }
    }
    assert!(accepted > 500, "{accepted}");
}

#[test]
fn only_a_complete_header_is_accepted() {
    let basic = Authentication { basic: keys(1, 1), ..Authentication::default() };
    let bearer = Authentication { bearer: keys(2, 1), ..Authentication::default() };
    let token = secret(2, 0);
    let pair = BASE64_STANDARD.encode(secret(1, 0));
    let check = |asked: &Authentication, header: &str| {
        asked.check(&Credentials { authorization: Some(header), ..Credentials::default() }, b"{}")
    };
    for header in [format!("Basic {pair}"), format!("BASIC  {pair} "), format!("basic {pair}")] {
        assert!(check(&basic, &header).is_ok(), "{header}");
    }
    for header in ["", "Basic", "Basic ", "Basic %", "Basic /w==", &pair, &format!("Bearer {pair}")] {
        assert_eq!(check(&basic, header), Err(Denied(NotifyMethod::Basic)), "{header}");
    }
    for header in ["", "Bearer", "Bearer x", &token, &format!("Basic {token}"), &format!("Bearer {token} {token}")] {
        assert_eq!(check(&bearer, header), Err(Denied(NotifyMethod::Bearer)), "{header}");
    }
}
