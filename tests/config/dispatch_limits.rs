//! The rates of sending.

use receiptd::{config::Flags, domain::Channel};

use super::{PLATFORM, load};

#[test]
fn each_channel_may_have_a_rate() {
    let file = "send.rate_per_second = 50\n[send.channel_rates]\nsms = 20\nfacebook = 5";
    let settings =
        load(&Flags::default(), &[PLATFORM.as_slice(), &[("RECEIPTD_SEND__CHANNEL_RATES__SMS", "30")]].concat(), file);
    let rates = settings.unwrap().send.unwrap().limits.rates;
    assert_eq!(rates.tenant, 50);
    assert_eq!(rates.channels, [(Channel::Sms, 30), (Channel::Messenger, 5)].into());
}
