//! The platform's hosts.

/// A region of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(&'static str);

/// The name of the region, as in its host, and its location (the page `know-your-api-endpoints` of
/// developers.webexconnect.io).
const REGIONS: [(&str, &str); 7] = [
    ("ca", "https://api.ca.webexconnect.io"),   // Canada
    ("eu", "https://api.eu.webexconnect.io"),   // Ireland
    ("uk", "https://api.uk.webexconnect.io"),   // London
    ("us", "https://api.us.webexconnect.io"),   // Oregon
    ("us1", "https://api.us1.webexconnect.io"), // USA, Azure
    ("in", "https://api.in.webexconnect.io"),   // Mumbai
    ("au", "https://api.au.webexconnect.io"),   // Sydney
];

impl Region {
    /// The region with this name in its host.
    pub fn from_name(name: &str) -> Option<Self> {
        REGIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, url)| Self(url))
    }

    /// The names of all regions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        REGIONS.iter().map(|(name, _)| *name)
    }

    /// The base URL of its API.
    pub fn base_url(self) -> &'static str {
        self.0
    }
}
