//! The simulator as its users see it: over HTTP, with its own receiver.

mod answers;
mod delivery;
mod journeys;
mod world;
