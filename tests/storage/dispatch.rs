//! Every notification that is understood outranks every step of our own dispatch, in either order.

use proptest::{collection::vec, prelude::*, sample::select};
use receiptd::{
    domain::{Dispatch, DispatchEvent, Event, Failure, Message, Standing, Status, StoredNotification, Timestamp},
    storage::{Claim, Settlement},
};

use crate::{
    make::{LEASE, about, claimed, enqueue, fresh, id, leased, settle, submission_with, time, transaction},
    store::TestStore,
};

both!(
    a_notification_before_an_answer_decides,
    a_notification_after_an_answer_decides,
    a_notification_that_is_not_understood_does_not_outrank_dispatch,
    random_dispatch_and_notifications_match_the_model,
);

const ENDS: [Dispatch; 4] = [Dispatch::Accepted, Dispatch::Rejected, Dispatch::Unconfirmed, Dispatch::Queued];

fn settlement(dispatch: Dispatch, at: i64) -> Settlement {
    let mut settlement = Settlement::new(dispatch, time(at));
    settlement.event.code = Some(format!("code of {dispatch:?}"));
    settlement.event.reason = Some(format!("reason of {dispatch:?}"));
    settlement.failure = (dispatch == Dispatch::Rejected).then_some(Failure::Permanent);
    settlement.event.transaction_id = (dispatch == Dispatch::Accepted).then(|| transaction("t"));
    settlement.retry_at = (dispatch == Dispatch::Queued).then(|| time(at));
    settlement
}

fn standing(message: &Message) -> (Status, bool, Option<&str>, Option<Timestamp>) {
    (message.status, message.is_final, message.code.as_deref(), message.status_at)
}

async fn a_notification_before_an_answer_decides(store: &TestStore) {
    for dispatch in ENDS {
        let name = fresh();
        let claim = leased(store, &name, 1_000).await;
        // By the platform's clock long before our dispatch began.
        store.hear([about(&name).says(Event::Submitted).at(1)]).await;
        settle(store, &claim, &settlement(dispatch, 2_000)).await;
        let message = store.message(&name).await;
        assert_eq!(standing(&message), (Status::Submitted, false, None, Some(time(1))), "{dispatch:?}");
        assert_eq!((message.dispatch, message.updated_at), (Some(dispatch), time(2_000)));
        if dispatch == Dispatch::Queued {
            claimed(store, 3_000).await;
            assert_eq!(standing(&store.message(&name).await), standing(&message));
            store.outbox.expire_leases(time(4_000), false).await.unwrap();
            assert_eq!(standing(&store.message(&name).await), standing(&message));
        }
    }
}

async fn a_notification_after_an_answer_decides(store: &TestStore) {
    for dispatch in ENDS {
        let name = fresh();
        let claim = leased(store, &name, 1_000).await;
        settle(store, &claim, &settlement(dispatch, 2_000)).await;
        claimed(store, 2_000).await;
        store.hear([about(&name).says(Event::Failed(Failure::Transient)).at(1)]).await;
        let message = store.message(&name).await;
        assert_eq!(standing(&message), (Status::Failed, true, None, Some(time(1))), "{dispatch:?}");
        assert_eq!(message.failure, Some(Failure::Transient));
        assert_eq!(message.sender.as_deref(), Some("ACME"), "known values stay");
    }
}

async fn a_notification_that_is_not_understood_does_not_outrank_dispatch(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let riddle = about("order-1").of("t").says(Event::Unknown).at(9_000);
    store.hear([riddle.with(|it| it.segments = Some(4))]).await;
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.notification_count, message.segments), (Status::Sending, 1, Some(4)));
    settle(store, &claim, &settlement(Dispatch::Rejected, 2_000)).await;
    let expected = (Status::Rejected, true, Some("code of Rejected"), Some(time(2_000)));
    assert_eq!(standing(&store.message("order-1").await), expected);
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Claim,
    Settle(Dispatch),
    Abandon,
    Hear(Event, i64),
}

fn an_action() -> impl Strategy<Value = Action> {
    let events = [Event::Unknown, Event::Progress, Event::Submitted, Event::Failed(Failure::Unclear), Event::Delivered];
    prop_oneof![
        3 => Just(Action::Claim),
        3 => select(ENDS.to_vec()).prop_map(Action::Settle),
        1 => Just(Action::Abandon),
        2 => (select(events.to_vec()), 1..4i64).prop_map(|(event, at)| Action::Hear(event, at)),
    ]
}

/// The expected state, by the rules alone.
struct Model {
    steps: Vec<DispatchEvent>,
    failure: Option<Failure>,
    heard: Vec<StoredNotification>,
}

impl Model {
    fn step(&mut self, settlement: Settlement) {
        self.steps.push(settlement.event);
        self.failure = settlement.failure;
    }

    fn understood(&self) -> Option<Standing> {
        let heard = self.heard.iter().map(StoredNotification::standing).reduce(Standing::merge);
        heard.filter(|standing| standing.precedence.rank > Status::DISPATCH)
    }

    fn assert(&self, message: &Message) {
        let last = self.steps.last().unwrap();
        assert_eq!(message.dispatch, Some(last.dispatch));
        let understood = self.understood();
        let dispatched = last.dispatch.status();
        let dispatched = (dispatched, dispatched.is_final(None), last.code.as_deref(), Some(last.at));
        let notified =
            understood.as_ref().map(|it| (it.status, it.is_final(), it.code.as_deref(), Some(it.precedence.at)));
        assert_eq!(standing(message), notified.unwrap_or(dispatched));
        let notified = understood.as_ref().map(|it| (it.failure, &it.reason));
        let (failure, reason) = notified.unwrap_or((self.failure, &last.reason));
        assert_eq!((message.failure, &message.reason), (failure, reason));
        assert_eq!(message.callback_data.as_deref(), Some("ours"));
    }
}

async fn random_dispatch_and_notifications_match_the_model(store: &TestStore) {
    store.for_all(&vec(an_action(), 1..12), async |actions| {
        let name = fresh();
        let wanted = submission_with(&serde_json::json!({"correlationId": name, "callbackData": "ours"}));
        enqueue(store, &wanted, 10).await;
        let mut model = Model { steps: Vec::new(), failure: None, heard: Vec::new() };
        model.step(Settlement::new(Dispatch::Queued, time(10)));
        let mut lease: Option<Claim> = None;
        for (action, now) in actions.iter().zip((1_000..).step_by(1_000)) {
            act(store, &name, *action, now, &mut lease, &mut model).await;
            model.assert(&store.message(&name).await);
        }
        assert_eq!(store.messages.dispatch_events(&id(&name)).await.unwrap(), model.steps);
        // The next case finds nothing due and nothing leased.
        claimed(store, i64::MAX - 1_000).await;
        store.outbox.expire_leases(time(i64::MAX), false).await.unwrap();
    });
}

/// Does what is possible at this point.
async fn act(store: &TestStore, name: &str, action: Action, now: i64, lease: &mut Option<Claim>, model: &mut Model) {
    match (action, lease.take()) {
        (Action::Claim, held) => {
            let waits = model.steps.last().unwrap().dispatch == Dispatch::Queued;
            let shown = model.understood().is_some();
            let claims = claimed(store, now).await;
            assert_eq!(claims.is_empty(), !waits || shown, "a message that the platform has is never sent again");
            let mut step = Settlement::new(Dispatch::Sending, time(now));
            if waits && shown {
                step = Settlement::new(Dispatch::Accepted, time(now));
                step.event.reason = Some("a notification shows that the platform has it".to_owned());
            }
            if waits {
                model.step(step);
            }
            *lease = claims.into_iter().next().or(held);
        }
        (Action::Settle(dispatch), Some(claim)) => {
            let mut settlement = settlement(dispatch, now);
            settlement.event.transaction_id =
                settlement.event.transaction_id.map(|_| transaction(&format!("{name}-t")));
            settle(store, &claim, &settlement).await;
            model.step(settlement);
        }
        (Action::Abandon, Some(claim)) => {
            assert_eq!(store.outbox.expire_leases(time(now), false).await.unwrap(), [claim.submission.correlation_id]);
            let step = store.messages.dispatch_events(&id(name)).await.unwrap().pop().unwrap();
            assert_eq!((step.dispatch, step.at), (Dispatch::Unconfirmed, time(now)));
            model.step(Settlement { event: step, failure: None, retry_at: None, counts: false });
        }
        (Action::Hear(event, at), held) => {
            let heard =
                about(name).of(&format!("{name}-t")).says(event).at(at).with(|it| it.code = Some(at.to_string()));
            store.hear([heard.clone()]).await;
            model.heard.push(heard.recorded());
            *lease = held;
        }
        (Action::Settle(_) | Action::Abandon, None) => {}
    }
    assert!(LEASE < std::time::Duration::from_millis(1), "a lease is over at the next action");
}
