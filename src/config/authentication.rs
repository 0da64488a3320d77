//! What the notify URL asks for.

use secrecy::{ExposeSecret, SecretString};

use super::{
    layers::{Files, items},
    raw::Notify,
    settings::Faults,
};
use crate::{
    notify::{Active, Authentication, Keys},
    secret::{Secret, Unfit},
    webex::NotifyUrl,
};

/// Reads the secrets of the settings. Those that came from files are renewed from them. `url` is where the platform is
/// told to post.
pub(super) fn authentication(
    notify: &Notify,
    url: Option<&NotifyUrl>,
    files: &Files,
    faults: &mut Faults,
) -> Authentication {
    let named = url.map(|url| SecretString::from(url.last_segment()));
    let path = move |keys: &Active| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !keys.secrets().iter().all(|token| token.expose_secret().chars().all(plain)) {
            return Err(Unfit("may have letters, digits and -._~ only, since it is a part of a URL"));
        }
        // Else a renewal would refuse what the platform was told to post there.
        let kept = named.as_ref().is_none_or(|token| keys.position(token.expose_secret()).is_some());
        let lacks = "lacks what public_url ends with: it must end with /notify/ and notify.path_token, or the \
                     platform's notifications would be refused";
        if kept { Ok(()) } else { Err(Unfit(lacks)) }
    };
    let pair = |keys: &Active| {
        let is_pair = keys.secrets().iter().all(|pair| pair.expose_secret().contains(':'));
        if is_pair { Ok(()) } else { Err(Unfit("must be user:password")) }
    };
    let mut read = |name, given: &[SecretString], fit: Fit| keys(name, given, files, fit, faults);
    let authentication = Authentication {
        path_token: read("notify.path_token", &notify.path_token, Box::new(path)),
        hub_secrets: read("notify.hub_secrets", &notify.hub_secrets, Box::new(|_| Ok(()))),
        basic: read("notify.basic", &notify.basic, Box::new(pair)),
        bearer: read("notify.bearer", &notify.bearer, Box::new(|_| Ok(()))),
    };
    faults.check(
        authentication.basic.is_none() || authentication.bearer.is_none(),
        "notify.basic and notify.bearer exclude each other: both stand in the Authorization header",
    );
    authentication
}

/// Tells whether secrets can serve a method.
type Fit = Box<dyn Fn(&Active) -> Result<(), Unfit> + Send + Sync>;

fn keys(name: &str, given: &[SecretString], files: &Files, fit: Fit, faults: &mut Faults) -> Option<Keys> {
    let active = move |secrets: Vec<SecretString>| {
        let active = Active::new(secrets)?;
        fit(&active).map(|()| active)
    };
    let keys = match files.get(name) {
        // A file is meant to ask for something, so an empty one is a fault.
        Some(source) => Secret::new(source.clone(), move |text| active(items(text).map(SecretString::from).collect())),
        None if given.is_empty() => return None,
        None => active(given.to_vec()).map(Secret::fixed),
    };
    keys.map_err(|unfit| faults.check(false, &format!("{name} {unfit}"))).ok()
}
