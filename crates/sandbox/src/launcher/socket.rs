//! Packets with descriptors over a `SOCK_SEQPACKET` socket, as both ends use it.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::DESCRIPTORS_MAX;
use crate::limits;

/// A connected pair. Both ends are closed on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends one message. Fails with `InvalidInput` when it is larger than [`limits::LAUNCHER_MESSAGE_BYTES_MAX`].
pub(crate) fn send<M: Serialize>(socket: BorrowedFd<'_>, message: &M, descriptors: &[RawFd]) -> io::Result<()> {
    let bytes = encode(message)?;
    send_bytes(socket, &bytes, descriptors)
}

pub(crate) fn encode<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > limits::LAUNCHER_MESSAGE_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(bytes)
}

pub(crate) fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[RawFd]) -> io::Result<()> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let control: &[ControlMessage<'_>] = if descriptors.is_empty() { &[] } else { &rights };
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives one message, or `None` when the other end is gone.
pub(crate) fn receive<M: DeserializeOwned>(socket: BorrowedFd<'_>) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    let mut buffer = vec![0_u8; limits::LAUNCHER_MESSAGE_BYTES_MAX];
    let mut control = nix::cmsg_space!([RawFd; DESCRIPTORS_MAX]);
    let (length, descriptors) = loop {
        let mut slices = [IoSliceMut::new(&mut buffer)];
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC) {
            Ok(message) => {
                let mut descriptors = Vec::new();
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(received) = part {
                        // SAFETY: the kernel has just installed these descriptors for us and nobody else owns them.
                        descriptors.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                    }
                }
                break (message.bytes, descriptors);
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::ECONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    if length == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&buffer[..length])?, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_message_and_its_descriptors_arrive_and_the_end_is_seen() {
        let (left, right) = pair().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        send(left.as_fd(), &"hello", &[null.as_raw_fd()]).unwrap();
        let (text, descriptors): (String, _) = receive(right.as_fd()).unwrap().unwrap();
        assert_eq!((text.as_str(), descriptors.len()), ("hello", 1));
        drop(left);
        assert!(receive::<String>(right.as_fd()).unwrap().is_none());
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_before_it_is_sent() {
        let (left, _right) = pair().unwrap();
        let large = "x".repeat(limits::LAUNCHER_MESSAGE_BYTES_MAX);
        assert_eq!(send(left.as_fd(), &large, &[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
