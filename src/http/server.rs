//! Assembles the server, and runs it until the shutdown.

use std::{future::ready, io, net::TcpListener, sync::Arc, time::Duration};

use actix_http::{HttpService, Protocol, Request, error::DispatchError};
use actix_service::{ServiceFactoryExt, apply_fn_factory, map_config};
use actix_tls::accept::{
    TlsError,
    rustls_0_23::{Acceptor, TlsStream, reexports::ServerConfig},
};
use actix_web::{
    App as Application, Error,
    body::MessageBody,
    dev::{AppConfig, Extensions, Server, Service, ServiceResponse, fn_service},
    error::InternalError,
    middleware::from_fn,
    rt::net::TcpStream,
    web::Data,
};
use futures_util::{TryFutureExt, future::Either};
use tokio_util::sync::CancellationToken;

use crate::{
    http::{
        extract::{
            auth::{session::resume, throttle::AuthThrottle},
            body::LargeBodyLimit,
        },
        middleware::{
            behind::add_behind,
            checks::{Local, check},
            request_id::identify,
            security_headers::add_security_headers,
        },
        openapi::{self, Conditions},
        pages,
        routes::{self, Followers, Misdirected, Probe},
        state::{App, Closing},
        transport::{connection::HEAD_WITHIN, continuing, crowd::Crowd, peer::Peer, watch},
    },
    tls::Certificate,
};

/// How long requests may go on after the shutdown began.
const LAST_REQUESTS: u64 = 10;
/// How long a connection stays open for the client to read the answer, if its request was not read to its end.
const LINGER: Duration = Duration::from_secs(1);

/// Serves on `listener` until `shutdown` is cancelled. Then it accepts no more connections, and ends when all requests
/// are answered. When this returns, the `app` has been dropped.
#[expect(clippy::too_many_lines, reason = "it puts the parts of the server together, one after the other")]
pub async fn serve(listener: TcpListener, app: App, shutdown: &CancellationToken) -> io::Result<()> {
    let address = listener.local_addr()?;
    let published = Data::new(openapi::publish(&Conditions::of(&app)));
    let probe = Data::new(Probe::of(&app));
    let tls = app.certificate.as_ref().map(Certificate::server_config).transpose().map_err(io::Error::other)?;
    let crowd = Arc::new(Crowd::new(app.connections, app.proxies.trusted.clone(), app.metrics.clone()));
    let local = Data::new(Local(address.ip().is_loopback()));
    let app = Data::new(app);
    let close = CancellationToken::new();
    // In whatever way the server ends, its connections end too.
    let _close_at_the_end = close.clone().drop_guard();
    let closing = Closing::when(&close);
    let factory = {
        let (app, closing) = (app.clone(), Data::new(closing.clone()));
        let (auth_throttle, large_bodies) = (Data::new(AuthThrottle::default()), Data::new(LargeBodyLimit::default()));
        let (misdirected, followers) = (Data::new(Misdirected::default()), Data::new(Followers::default()));
        move || {
            let application =
                Application::new().app_data(app.clone()).app_data(closing.clone()).app_data(probe.clone());
            let application =
                application.app_data(auth_throttle.clone()).app_data(large_bodies.clone()).app_data(published.clone());
            let application =
                application.app_data(misdirected.clone()).app_data(followers.clone()).app_data(local.clone());
            application
                .wrap(from_fn(resume))
                .wrap(from_fn(check))
                .wrap(from_fn(add_behind))
                .wrap(from_fn(add_security_headers))
                .wrap(from_fn(identify))
                .configure(pages::register)
                .configure(routes::register)
        }
    };
    drop(app);
    let server = Server::build().disable_signals().shutdown_timeout(LAST_REQUESTS);
    let draining = server.graceful_shutdown_signal();
    let accept = {
        let crowd = crowd.clone();
        move |stream: TcpStream| ready(Peer::admit(stream, &crowd))
    };
    let keep_alive = crowd.limits.keep_alive;
    let open = move |peer: &Peer, is_http2: bool, data: &mut Extensions| {
        watch::open(peer, is_http2, data, &crowd, &closing);
    };
    // Once for each kind of connection, since each has its own type.
    macro_rules! http {
        ($on_connect:expr) => {{
            let draining = draining.clone();
            let draining = move || {
                let draining = draining.clone();
                async move { draining.notified().await }
            };
            let application = || map_config(factory(), |()| AppConfig::default());
            let main = apply_fn_factory(application(), |request: Request, application: &_| {
                match continuing::begun(&request) {
                    Some(answer) => Either::Left(answer),
                    None => Either::Right(Service::call(application, request)),
                }
            });
            let expect = apply_fn_factory(application(), |request: Request, application: &_| {
                let (request, is_wanted) = continuing::lazily(request);
                continuing::begin(Service::call(application, request), is_wanted).map_err(refusal)
            });
            HttpService::build()
                .graceful_shutdown_signal(draining)
                .keep_alive(keep_alive)
                .client_request_timeout(HEAD_WITHIN)
                .client_disconnect_timeout(LINGER)
                .local_addr(address)
                .expect(expect)
                .on_connect_ext($on_connect)
                .finish(main)
        }};
    }
    let server = match tls {
        // With ALPN for HTTP/2 and HTTP/1.1.
        Some(mut config) => {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            let config = Arc::new(config);
            server.listen("receiptd", listener, move || {
                let open = open.clone();
                let on_connect = move |stream: &TlsStream<Peer>, data: &mut Extensions| {
                    open(stream.get_ref().0, is_http2(stream), data);
                };
                let accept = accept.clone();
                let mut acceptor = Acceptor::new(ServerConfig::clone(&config));
                acceptor.set_handshake_timeout(HEAD_WITHIN);
                fn_service(accept)
                    .map_err(TlsError::Tls)
                    .and_then(acceptor.map_err(TlsError::into_service_error))
                    .and_then(fn_service(|stream: TlsStream<Peer>| {
                        let protocol = if is_http2(&stream) { Protocol::Http2 } else { Protocol::Http1 };
                        let address = stream.get_ref().0.address;
                        ready(Ok((stream, protocol, Some(address))))
                    }))
                    .and_then(http!(on_connect).map_err(TlsError::Service))
            })?
        }
        None => server.listen("receiptd", listener, move || {
            let open = open.clone();
            let on_connect = move |peer: &Peer, data: &mut Extensions| open(peer, false, data);
            let accept = accept.clone();
            fn_service(accept)
                .map_err(DispatchError::Io)
                .and_then(fn_service(|peer: Peer| {
                    let address = peer.address;
                    ready(Ok((peer, Protocol::Http1, Some(address))))
                }))
                .and_then(http!(on_connect))
        })?,
    };
    run(server.run(), &close, shutdown).await
}

/// Runs the server until `shutdown` is cancelled, and then until all requests are answered.
async fn run(mut server: Server, close: &CancellationToken, shutdown: &CancellationToken) -> io::Result<()> {
    let handle = server.handle();
    tokio::select! {
        ended = &mut server => return ended,
        () = shutdown.cancelled() => {}
    }
    close.cancel();
    // The server has to be polled for the stop to happen.
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}

fn is_http2(stream: &TlsStream<Peer>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// Makes an error from the answer of a handler that did not read the body.
fn refusal<B: MessageBody + 'static>(answer: Result<ServiceResponse<B>, Error>) -> Error {
    let response = answer.map(|answer| answer.map_into_boxed_body().into_parts().1);
    response.map_or_else(|error| error, |response| InternalError::from_response("refused", response).into())
}
