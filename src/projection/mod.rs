//! Stores what the journal contains in the tables that are queried. A notification is acknowledged when the journal has it;
//! the projection follows, usually within milliseconds.
//!
//! | File | Contents |
//! | --- | --- |
//! | `projector` | projects one chunk after the other |
//! | `pace` | whether the projector makes room for what arrives |
//! | `reading` | turns the records of the journal into arrivals |
//! | `catch_up` | waits until everything that was acknowledged can be read |

mod catch_up;
mod pace;
mod projector;
mod reading;

pub use catch_up::CatchUp;
pub use projector::Projector;
