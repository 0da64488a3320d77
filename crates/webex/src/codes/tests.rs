//! Tests of the table.

use std::collections::HashSet;

use super::*;

/// The channels of the table that have no name in [`Channel`].
const OTHERS: [&str; 1] = ["gbm"];

fn class(channel: &str, code: &str) -> Option<Class> {
    find(Some(&Channel::from_name(channel)), code).map(|code| code.class)
}

fn text(channel: &str, code: &str) -> Option<&'static str> {
    find(Some(&Channel::from_name(channel)), code).map(|code| code.text)
}

/// Every channel that may have its own rows.
fn channels() -> Vec<Channel> {
    Channel::known().chain(OTHERS.map(Channel::from_name)).collect()
}

#[test]
fn the_header_names_the_columns() {
    let header = TSV.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(header, Some("channels\tcode\twhen\tclass\ttext\tsource\tadvice\tsentence"));
}

#[test]
fn every_row_is_well_formed() {
    assert!(lines().count() > 0);
    for line in lines() {
        assert!(read(line).is_some(), "cannot be read: {line}");
        assert!(line.split('\t').all(|cell| cell == cell.trim()), "stray space: {line}");
    }
    for (_, code) in ENTRIES.iter() {
        assert!(code.code.chars().all(|digit| digit.is_ascii_digit()), "not digits: {code:?}");
    }
}

#[test]
fn a_malformed_row_is_rejected() {
    let words = "wrong-number\tthis number does not exist.";
    let row = |cells: &str| read(Box::leak(format!("{cells}\t{words}").into_boxed_str()));
    assert!(row("sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x").is_some());
    for bad in [
        "",
        "sms\t7203\t-\tpermanent\tUnknown Subscriber address",
        "sms\t7203\t-\tpermanent\tUnknown Subscriber address\t",
        "sms\t7203\t-\tpermanent\tUnknown Subscriber address\t ",
        "sms\t7203\t-\tpermanent\t\tD/x",
        "sms\t7203\t-\tpermanent\t\tUnknown Subscriber address\tD/x",
        "sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x\t",
        "sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x\tmore",
        "sms\t7203\t-\tP\tUnknown Subscriber address\tD/x",
        "sms 7203 permanent Unknown D/x",
        "sms\t7203\tpermanent\tUnknown Subscriber address\tD/x",
        "sms\t7203\treason:x\tpermanent\tUnknown Subscriber address\tD/x",
        "sms\t7203\t*x*\tpermanent\tUnknown Subscriber address\tD/x",
    ] {
        assert_eq!(row(bad), None, "{bad:?}");
    }
}

#[test]
fn every_channel_is_known() {
    let known = channels();
    for (name, code) in ENTRIES.iter() {
        let ours = known.iter().any(|channel| channel.as_str() == *name);
        assert!(ours || *name == COMMON, "unknown channel {name:?} of {code:?}");
    }
}

#[test]
fn a_code_occurs_once_per_channel_and_condition() {
    let mut seen = HashSet::new();
    for (channel, code) in ENTRIES.iter() {
        assert!(seen.insert((channel, code.code, code.when)), "twice: {channel} {}", code.code);
    }
    assert_eq!(seen.len(), INDEX.values().map(Vec::len).sum::<usize>());
}

#[test]
fn every_code_with_a_condition_has_a_meaning_without_it() {
    for (name, code) in ENTRIES.iter().filter(|(_, code)| code.when != When::Always) {
        let channels = channels();
        let mut on = channels.iter().filter(|channel| *name == COMMON || channel.as_str() == *name);
        assert!(on.any(|channel| find(Some(channel), code.code).is_some()), "{code:?}");
    }
}

#[test]
fn every_source_is_a_page_of_the_platform() {
    for (_, code) in ENTRIES.iter() {
        let page = code.source.strip_prefix("D/").or_else(|| code.source.strip_prefix("H/"));
        assert!(page.is_some_and(|page| !page.is_empty()), "no page: {code:?}");
    }
}

#[test]
fn a_row_of_a_channel_differs_from_the_common_one() {
    for (channel, code) in ENTRIES.iter().filter(|(channel, _)| *channel != COMMON) {
        let common = find(None, code.code).filter(|_| code.when == When::Always);
        let same =
            common.is_some_and(|common| common.class == code.class && common.text.eq_ignore_ascii_case(code.text));
        assert!(!same, "{channel} repeats the common row: {code:?}");
    }
}

#[test]
fn every_channel_has_its_own_codes() {
    for channel in channels() {
        assert!(of_channel(&channel).next().is_some(), "none for {channel}");
    }
    assert_eq!(of_channel(&Channel::from_name("pager")).count(), 0);
}

#[test]
fn the_codes_of_a_channel_are_in_the_order_of_the_table() {
    let apple: Vec<_> = of_channel(&Channel::Apple).map(|code| code.code).collect();
    assert_eq!(apple, ["7006", "7314", "7316", "7317", "7722", "7738"]);
}

#[test]
fn every_channel_has_codes_for_the_outcomes_of_a_message() {
    for channel in Channel::known() {
        for (code, expected) in [
            ("1001", Class::Submitted),
            ("7501", Class::Submitted),
            ("7500", Class::Delivered),
            ("7502", Class::Read),
            ("7528", Class::Clicked),
            ("9002", Class::Permanent),
            ("9006", Class::Transient),
        ] {
            assert_eq!(class(channel.as_str(), code), Some(expected), "{channel} {code}");
        }
    }
}

#[test]
fn documented_failures_have_their_class() {
    for (channel, code, expected) in [
        ("sms", "7006", Class::Transient),
        ("sms", "7102", Class::Permanent),
        ("sms", "7203", Class::Permanent),
        ("sms", "7207", Class::Transient),
        ("sms", "7208", Class::Transient),
        ("sms", "7518", Class::Unclear),
        ("email", "7520", Class::Unclear),
        ("email", "7521", Class::Complained),
        ("voice", "7402", Class::Transient),
        ("voice", "7404", Class::Unclear),
        ("voice", "7407", Class::Progress),
        ("voice", "7519", Class::Delivered),
        ("push", "7404", Class::Unclear),
        ("push", "7518", Class::Unclear),
        ("mms", "7525", Class::Clicked),
        ("whatsapp", "7710", Class::Permanent),
        ("whatsapp", "7816", Class::Permanent),
        ("rcs", "7301", Class::Transient),
        ("messenger", "2018336", Class::Permanent),
        ("gbm", "7909", Class::Transient),
    ] {
        assert_eq!(class(channel, code), Some(expected), "{channel} {code}");
    }
}

#[test]
fn a_code_has_different_meanings_on_different_channels() {
    assert_eq!(text("whatsapp", "7703"), Some("Business eligibility - Payment issue"));
    assert_eq!(text("in-app", "7703"), Some("Max allowed buttons in a section reached"));
    assert_eq!(class("mms", "7524"), Some(Class::Read));
    assert_eq!(class("email", "7524"), Some(Class::Permanent));
    assert_eq!(class("sms", "7513"), Some(Class::Transient));
    assert_eq!(class("push", "7513"), Some(Class::Permanent));
    assert_eq!(class("apple", "7006"), Some(Class::Unclear));
    assert_eq!(class("mms", "7214"), Some(Class::Permanent));
    assert_eq!(class("push", "7214"), Some(Class::Unclear));
}

#[test]
fn without_a_channel_only_the_common_rows_apply() {
    assert_eq!(find(None, "7006").map(|code| code.class), Some(Class::Transient));
    assert_eq!(find(None, "7203"), None);
    assert_eq!(find(None, "7524"), None);
}

#[test]
fn an_unknown_code_is_not_found() {
    for code in ["", "*", "0000", "07203", "72030", " 7203"] {
        assert_eq!(find(Some(&Channel::Sms), code), None, "{code:?}");
    }
    assert_eq!(class("sms", "7703"), None);
    assert_eq!(class("pager", "7203"), None);
    assert_eq!(class("pager", "7500"), Some(Class::Delivered));
}

#[test]
fn every_code_has_words_that_fit_its_class() {
    for (channels, code) in all() {
        let resend = code.advice.resend;
        let fits = match code.class {
            Class::Submitted | Class::Progress => resend == Resend::Risky,
            Class::Delivered | Class::Read | Class::Clicked => resend == Resend::Unneeded,
            Class::Complained => resend == Resend::Useless,
            Class::Permanent => matches!(resend, Resend::Corrected | Resend::Useless),
            Class::Transient => resend == Resend::Later,
            Class::Unclear => matches!(resend, Resend::Perhaps | Resend::Risky) || code.code == "7208",
        };
        assert!(fits, "{channels} {}: {:?} is {:?}", code.code, code.class, code.advice.name);
        let has_failed = matches!(code.class, Class::Permanent | Class::Transient | Class::Unclear);
        assert!(code.advice.side.is_some() || !has_failed, "{channels} {}: nobody's side", code.code);
    }
}

#[test]
fn the_words_of_a_code_are_short_plain_and_whole() {
    for (channels, code) in all() {
        let place = format!("{channels} {}: {:?}", code.code, code.sentence);
        advice::tests::assert_plain(&place, code.sentence);
        assert!(code.sentence.len() <= 80, "{place} is too long");
        // It follows a colon, so only a name begins with a capital.
        let first = code.sentence.split(' ').next().unwrap().trim_end_matches("'s");
        let names = ["WhatsApp", "Webex", "Meta", "Apple", "Google", "Instagram", "Messenger"];
        assert!(names.contains(&first) || first.chars().all(|c| !c.is_uppercase()), "{place}: a capital");
        assert_eq!(code.sentence.matches(". ").count(), 0, "{place}: more than one sentence");
    }
}

#[test]
fn the_words_follow_the_class_and_the_description() {
    let sentence = |channel, code, class, description| {
        let code = find_of_class(Some(&channel), code, |is| is == class, description);
        code.map(|code| code.sentence)
    };
    let (permanent, transient) = (Class::Permanent, Class::Transient);
    assert_eq!(sentence(Channel::Sms, "7203", permanent, None), Some("this number does not exist."));
    assert_eq!(sentence(Channel::Sms, "7203", transient, None), None);
    assert_eq!(sentence(Channel::Sms, "4711", permanent, None), None);
    for (class, description, words) in [
        (permanent, "Permanent_NoEmail", "this mail address does not exist or takes no mail."),
        (permanent, "Transient_General", "the recipient's mail server refused the mail for good."),
        (transient, "Transient_General", "the recipient's mail server did not take the mail for now."),
        (transient, "Transient_MailboxFull", "the recipient's mailbox is full."),
        (Class::Unclear, "Undetermined", "the mail came back without a clear cause."),
        (Class::Unclear, "Something_New", "the mail came back."),
    ] {
        assert_eq!(sentence(Channel::Email, "7520", class, Some(description)), Some(words), "{description}");
    }
    let apple = sentence(Channel::Apple, "7006", permanent, None);
    assert_eq!(apple, Some("the recipient has no device that receives Apple messages."));
}

#[test]
fn all_meanings_of_a_code_are_found() {
    let of_7208: Vec<_> = of_code("7208").map(|(channels, code)| (channels, code.class)).collect();
    assert_eq!(of_7208, [("*", Class::Unclear), ("sms,voice", Class::Transient)]);
    let conditions: Vec<_> = of_code("7006").map(|(_, code)| code.condition().is_some()).collect();
    assert_eq!(conditions, [false, true, false]);
    assert_eq!(of_code("0000").count(), 0);
}
