//! Environments that are made ready ahead of need, up to the point where only the function's code and variables are
//! missing. Each becomes the environment of one function and is never put back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::failure::{NameStep, Step};
use super::message::{Failure, Keep};
use super::socket;
use super::sockets::Sockets;
use super::spare::{Birth, Spare};
use crate::spec::Shape;

/// Environments that are being made ready at the same time: what functions do comes first.
const MAKING_MAX: usize = 1;

/// One environment, on its way or ready.
pub(crate) struct Member {
    pub(crate) spare: Spare,
    /// Once they are there.
    sockets: Option<Sockets>,
    /// Its mount namespace, once its file system is there.
    mounts: Option<OwnedFd>,
    ready: bool,
    began: Instant,
}

/// An environment that is ready.
pub(crate) struct Ready {
    pub(crate) spare: Spare,
    pub(crate) sockets: Sockets,
    pub(crate) mounts: OwnedFd,
}

/// The environments of one shape.
struct Shelf {
    key: u64,
    shape: Shape,
    wanted: usize,
    members: Vec<Member>,
    /// One could not be made: no more are, until the platform asks again.
    spoilt: bool,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Stock {
    shelves: Vec<Shelf>,
}

/// What came of looking at a member.
pub(crate) enum Progress {
    /// It goes on.
    Under,
    /// It is ready, after this time; so many of its shape are.
    Ready { key: u64, ready: usize, took: Duration },
}

impl Stock {
    /// Keeps what is wanted from now on. Answers what is not wanted any more.
    pub(crate) fn keep(&mut self, wanted: Vec<Keep>) -> Vec<Spare> {
        let mut before = std::mem::take(&mut self.shelves);
        let mut surplus = Vec::new();
        for Keep { key, shape, count } in wanted {
            let found = before.iter().position(|shelf| shelf.shape == shape);
            let mut members = found.map(|at| before.swap_remove(at).members).unwrap_or_default();
            // Those that are not ready yet go first.
            members.sort_by_key(|member| !member.ready);
            let more = members.split_off(count.min(members.len()));
            surplus.extend(more);
            self.shelves.push(Shelf { key, shape, wanted: count, members, spoilt: false });
        }
        surplus.extend(before.into_iter().flat_map(|shelf| shelf.members));
        surplus.into_iter().map(|member| member.spare).collect()
    }

    /// The shape of which one is to be made next: that of which the smallest part is there.
    pub(crate) fn next(&self) -> Option<(u64, &Shape)> {
        let making = self.shelves.iter().flat_map(|shelf| &shelf.members).filter(|member| !member.ready).count();
        if making >= MAKING_MAX {
            return None;
        }
        let lacking = self.shelves.iter().filter(|shelf| !shelf.spoilt && shelf.members.len() < shelf.wanted);
        let part = |shelf: &&Shelf| shelf.members.len() * 1_000 / shelf.wanted;
        lacking.min_by_key(part).map(|shelf| (shelf.key, &shelf.shape))
    }

    pub(crate) fn add(&mut self, key: u64, spare: Spare) {
        if let Some(shelf) = self.shelves.iter_mut().find(|shelf| shelf.key == key) {
            let began = Instant::now();
            shelf.members.push(Member { spare, sockets: None, mounts: None, ready: false, began });
        }
    }

    /// No more of this shape are to be made.
    pub(crate) fn spoil(&mut self, key: u64) {
        if let Some(shelf) = self.shelves.iter_mut().find(|shelf| shelf.key == key) {
            shelf.spoilt = true;
        }
    }

    /// Those that have something to tell, by process id.
    pub(crate) fn telling(&self) -> Vec<(i32, BorrowedFd<'_>)> {
        let all = self.shelves.iter().flat_map(|shelf| &shelf.members);
        all.filter(|member| !member.ready).map(|member| (member.spare.pid, member.spare.control.as_fd())).collect()
    }

    /// Hears what a member has to tell.
    pub(crate) fn hear(&mut self, pid: i32) -> Step<Progress> {
        for shelf in &mut self.shelves {
            let Some(member) = shelf.members.iter_mut().find(|member| member.spare.pid == pid) else { continue };
            if !member.hear()? {
                return Ok(Progress::Under);
            }
            let took = member.began.elapsed();
            return Ok(Progress::Ready { key: shelf.key, ready: shelf.ready(), took });
        }
        Ok(Progress::Under)
    }

    /// A ready environment of this shape, and how many are left.
    pub(crate) fn take(&mut self, shape: &Shape) -> Option<(Ready, u64, usize)> {
        let shelf = self.shelves.iter_mut().find(|shelf| shelf.shape == *shape)?;
        let at = shelf.members.iter().position(|member| member.ready)?;
        let Member { spare, sockets, mounts, .. } = shelf.members.remove(at);
        Some((Ready { spare, sockets: sockets?, mounts: mounts? }, shelf.key, shelf.ready()))
    }

    /// Takes out one that has ended by itself.
    pub(crate) fn remove(&mut self, pid: i32) -> Option<(Spare, u64, usize)> {
        let of = |shelf: &Shelf| shelf.members.iter().position(|member| member.spare.pid == pid);
        let (shelf, at) = self.shelves.iter_mut().find_map(|shelf| of(shelf).map(|at| (shelf, at)))?;
        let member = shelf.members.remove(at);
        Some((member.spare, shelf.key, shelf.ready()))
    }

    pub(crate) fn drain(&mut self) -> Vec<Spare> {
        self.keep(Vec::new())
    }
}

impl Shelf {
    fn ready(&self) -> usize {
        self.members.iter().filter(|member| member.ready).count()
    }
}

impl Member {
    /// Answers whether it has become ready.
    fn hear(&mut self) -> Step<bool> {
        let unexpected = || Failure { step: "make an environment ahead of need".into(), errno: libc::EPROTO };
        match socket::receive::<Birth>(self.spare.control.as_fd()).step("hear of a new environment")? {
            Some((Birth::Ready, descriptors)) => self.sockets = Sockets::from_descriptors(descriptors),
            Some((Birth::Mounted, mounts)) => self.mounts = mounts.into_iter().next(),
            Some((Birth::Parked, _)) => self.ready = true,
            Some((Birth::Failed(failure), _)) => return Err(failure),
            None => return Err(unexpected()),
        }
        if self.ready && (self.sockets.is_none() || self.mounts.is_none()) {
            return Err(unexpected());
        }
        Ok(self.ready)
    }
}
