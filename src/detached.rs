//! Work that runs to its end even if the client that requested it disconnects.

use std::future::Future;

use tracing::Instrument;

use crate::storage::StorageError;

/// Runs `work` as a separate task, which continues if the caller is dropped, such as a request whose client disconnects.
/// So a commit that was begun is finished, and so are the steps that must follow it.
pub async fn detached<T: Send + 'static, E: From<StorageError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        // The task panicked, or the program is exiting.
        Err(error) => Err(StorageError::Unavailable(error.into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let failed = detached(async { Err::<(), _>(panics()) }).await;
        assert!(matches!(failed, Err(StorageError::Unavailable(_))));
    }

    fn panics() -> StorageError {
        panic!("for a test")
    }

    #[tokio::test]
    async fn work_goes_on_when_its_caller_is_dropped() {
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut caller = Box::pin(detached(async {
            may_go_on.await.unwrap();
            done.send("done").unwrap();
            Ok::<_, StorageError>(())
        }));
        assert!(futures_util::poll!(&mut caller).is_pending());
        drop(caller);
        go_on.send(()).unwrap();
        assert_eq!(is_done.await, Ok("done"));
    }
}
