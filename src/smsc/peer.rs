//! One link of an SMSC: answers its requests and gives it what its account is owed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::centre::Centre;
use super::deliveries::{AccountId, DeliveryKey};
use super::faults::Dice;
use super::links::LinkId;
use super::receipt::Writer;
use super::requests::{self, Message};
use super::schedule::Schedule;
use super::witness::{Fate, Seen};
use crate::link::LinkHandler;
use crate::pdu::{
    CancelSmView, CommandId, CommandStatus, DataSmRespView, Header, Pdu, PduView, QuerySmRespView, QuerySmView,
    ReplaceSmView, SubmitMultiResp, SubmitMultiView, SubmitSmRespView,
};
use crate::session::{Event, Inbound, Room, Session};

/// What an SMSC knows about one link.
pub(super) struct Peer {
    id: LinkId,
    /// Counted over the life of the SMSC.
    number: u64,
    dice: Dice,
    bound: Option<Bound>,
    waiting: Schedule<(Inbound, Reply)>,
    is_cut: bool,
}

struct Bound {
    account: AccountId,
    receives: bool,
}

/// The answer to a message.
enum Reply {
    SubmitSm(Result<u64, CommandStatus>),
    DataSm(Result<u64, CommandStatus>),
    SubmitMulti(Box<SubmitMultiResp>),
}
