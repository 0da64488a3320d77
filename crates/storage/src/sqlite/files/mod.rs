//! The files of a database: where they are, and whether they are intact.

mod header;
mod held;
mod location;
mod watch;

pub(crate) use {location::Location, watch::FileWatch};

pub(super) use {
    header::{APPLICATION_ID, Header},
    location::{PARTS, folder, with_end},
};
