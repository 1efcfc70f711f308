//! Names, as functions ask for them on port 53: the platform's own are answered here, others by the machine's resolvers
//! if there is a way outside, and by nobody otherwise.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::names::{self, Question, Refusal};
use super::{PLATFORM, Shared, arrival, machine, try_receive};

/// Longest question over UDP, in bytes; with all extensions they have some hundred.
const QUESTION_BYTES_MAX: usize = 4_096;
/// Longest answer over UDP that is handed on, in bytes: the longest there is.
const ANSWER_BYTES_MAX: usize = 65_535;
/// Questions of one environment that are handed on at the same time, and its connections.
const WORK_MAX: usize = 64;
/// How long one resolver may take to answer, as with the C library.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may wait for its next question, and for the end of one.
const STREAM_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a failed accept waits before it is tried again.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Names of this very environment (RFC 6761).
const LOCAL_DOMAIN: &str = "localhost";

/// The resolver of one environment.
pub(super) struct Resolver {
    datagrams: Arc<UdpSocket>,
    streams: TcpListener,
    shared: Arc<Shared>,
    work: JoinSet<()>,
}

/// What to do about a question.
enum Answer {
    Known(Vec<u8>),
    /// Somebody else knows.
    Asked(Question),
    None,
}

impl Resolver {
    pub(super) fn new(datagrams: UdpSocket, streams: TcpListener, shared: Arc<Shared>) -> Resolver {
        Resolver { datagrams: Arc::new(datagrams), streams, shared, work: JoinSet::new() }
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                ready = self.datagrams.readable() => match ready {
                    Ok(()) => self.take_datagrams(),
                    Err(_) => sleep(ACCEPT_RETRY).await,
                },
                accepted = self.streams.accept() => match accepted {
                    Ok((stream, _)) if self.work.len() < WORK_MAX => {
                        self.work.spawn(serve_stream(stream, Arc::clone(&self.shared)));
                    }
                    // Closed unserved.
                    Ok(_) => {}
                    Err(_) => sleep(ACCEPT_RETRY).await,
                },
                Some(_) = self.work.join_next() => {}
            }
        }
    }

    fn take_datagrams(&mut self) {
        let mut buffer = [0; QUESTION_BYTES_MAX];
        // As many as may be under way; the rest waits for the next turn.
        for _ in 0..WORK_MAX {
            let Ok((length, peer)) = self.datagrams.try_recv_from(&mut buffer) else { return };
            self.take(&buffer[..length], peer);
        }
    }

    fn take(&mut self, message: &[u8], peer: SocketAddr) {
        match answer(&self.shared, message) {
            // A function that does not take its answers loses them.
            Answer::Known(answer) => drop(self.datagrams.try_send_to(&answer, peer)),
            Answer::Asked(question) if self.work.len() >= WORK_MAX => {
                drop(self.datagrams.try_send_to(&question.refuse(message, Refusal::Failed), peer));
            }
            Answer::Asked(question) => {
                let (socket, shared, message) =
                    (Arc::clone(&self.datagrams), Arc::clone(&self.shared), message.to_vec());
                self.work.spawn(async move {
                    let answer = ask_by_datagram(&nameservers(&shared), &question, &message).await;
                    let answer = answer.unwrap_or_else(|| question.refuse(&message, Refusal::Failed));
                    let _ = socket.send_to(&answer, peer).await;
                });
            }
            Answer::None => {}
        }
    }
}

fn answer(shared: &Shared, message: &[u8]) -> Answer {
    let question = match names::read(message) {
        None => return Answer::None,
        Some(Err(refusal)) => return Answer::Known(names::refuse(message, refusal)),
        Some(Ok(question)) => question,
    };
    if question.is_under(&shared.network.own_domains) || question.is_under(&[LOCAL_DOMAIN.to_owned()]) {
        return Answer::Known(question.answer(message, PLATFORM));
    }
    match shared.network.outside {
        Some(_) => Answer::Asked(question),
        None => Answer::Known(question.refuse(message, Refusal::Unknown)),
    }
}

fn nameservers(shared: &Shared) -> Vec<SocketAddr> {
    let named = shared.network.outside.as_ref().and_then(|outside| outside.nameservers.clone());
    named.unwrap_or_else(machine::nameservers)
}

async fn ask_by_datagram(servers: &[SocketAddr], question: &Question, message: &[u8]) -> Option<Vec<u8>> {
    for server in servers {
        if let Ok(Ok(answer)) = timeout(ANSWER_TIMEOUT, ask_one(*server, question, message)).await {
            return Some(answer);
        }
    }
    None
}

async fn ask_one(server: SocketAddr, question: &Question, message: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    loop {
        arrival(&socket).await?;
        let mut answer = vec![0; ANSWER_BYTES_MAX];
        match try_receive(&socket, &mut answer) {
            Ok(length) if question.is_answered_by(message, &answer[..length]) => {
                answer.truncate(length);
                return Ok(answer);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Questions and answers over TCP, each behind its length (RFC 1035).
async fn serve_stream(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Ok(Ok(message)) = timeout(STREAM_TIMEOUT, read_message(&mut stream)).await {
        let answer = match answer(&shared, &message) {
            Answer::Known(answer) => answer,
            Answer::Asked(question) => {
                let answer = ask_by_stream(&nameservers(&shared), &question, &message).await;
                answer.unwrap_or_else(|| question.refuse(&message, Refusal::Failed))
            }
            Answer::None => return,
        };
        match timeout(STREAM_TIMEOUT, write_message(&mut stream, &answer)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}

async fn ask_by_stream(servers: &[SocketAddr], question: &Question, message: &[u8]) -> Option<Vec<u8>> {
    for server in servers {
        let asked = timeout(ANSWER_TIMEOUT, async {
            let mut stream = TcpStream::connect(server).await?;
            write_message(&mut stream, message).await?;
            read_message(&mut stream).await
        });
        match asked.await {
            Ok(Ok(answer)) if question.is_answered_by(message, &answer) => return Some(answer),
            _ => {}
        }
    }
    None
}

async fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let framed: Vec<u8> = length.to_be_bytes().into_iter().chain(message.iter().copied()).collect();
    stream.write_all(&framed).await
}
