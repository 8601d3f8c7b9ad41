/// What must hold in every run, whatever goes wrong: the contract's promises, each by a name of its own.
///
/// "Clean" below is an event in whose handling nothing went wrong: no call failed, nothing died, nothing took seconds.
public enum Invariant: String, CaseIterable, Sendable {
    // Presence

    /// No connection is a member anywhere later than the ghost bound after its lease.
    case ghostBound
    /// Of one user in one room joins and leaves alternate, and their versions rise.
    case presenceAlternates
    /// A user is in a room exactly while one of the user's connections is a member.
    case presenceIsMembership
    /// What is posted of presence was decided: same user, same version, same kind, same reason.
    case presenceIsTrue
    /// Every change of presence is told to every member, at the latest within the ghost bound.
    case presencePublished
    /// No change of presence is told twice, unless a handler failed that was to tell it.
    case presenceOnce
    /// Who listens knows in the end who is in the room; but, where fan-outs may cross, for a join told late of somebody who had left before.
    case viewConverges

    // Connections and leases

    /// A connection that was told that it joined is in the room, until it leaves or ends.
    case memberMissing
    /// An answer `left` is true; and in the end nobody is in a room but who was told so.
    case leftIsOut
    /// A connection that ended or expired never comes to life again, and joins nothing.
    case neverResurrected
    /// A frame on a connection that ended or expired is answered `gone`, or `token_expired`.
    case goneStaysGone
    /// A frame begins a lease anew of which a quarter is spent. No connection is ended before its time: not while its lease runs and its socket is open.
    case leaseKept
    /// A connection that is told that its token is over is ended, and its socket closed.
    case tokenEnds
    /// No lease is longer than it may be, and none outlives its token; a new token that is acknowledged counts.
    case leaseBounded
    /// A 410 ends no connection younger than 30 s.
    case youngSurvives
    /// A user has no more connections than allowed, and all of them are counted.
    case capHolds
    /// Once a user was kicked no token issued by then opens a connection or extends one, for ever; and once the kick is answered none is
    /// connected by such a token.
    case kickedStaysOut
    /// The sweep comes by every connection before its lease ends, and by every change of presence until it is told; no row
    /// that a connection notes is later than its lease.
    case wheelReaches
    /// A sweep that succeeds leaves no lease in the minutes before it.
    case sweptClean
    /// No row is left that nothing will ever delete, and none is missing that another promises.
    case noOrphans

    // Messages

    /// Messages of a room or conversation are numbered from 1 without gaps and without repeats, under one epoch.
    case seqGapless
    /// What is acknowledged is stored, as acknowledged, before the acknowledgement leaves.
    case storedBeforeAck
    /// What is acknowledged is in the history once; what was sent again under its `clientMessageId` is not there twice.
    case ackedOnce
    /// `duplicate` names the message that was first, and only then.
    case duplicateIsSame
    /// A clean fan-out tries every member, and what the queue gave out and was not posted comes again; who joins hears of everything since.
    case memberMissesNothing
    /// No message is posted twice to a connection, unless a queue did not answer or gave it out again.
    case toldOnce
    /// The connection that sent a message, came or went is not posted that.
    case senderExcluded
    /// A direct message is posted to every live connection of its two users but the sender's own, and `delivered` counts the receiver's.
    case directDelivered
    /// A message to everyone is posted to every connection of the tenant.
    case everyoneReached
    /// Nothing is posted to who is not concerned.
    case onlyMembers
    /// Nothing is posted to a connection whose lease has been over for longer than the ghost bound.
    case deadNotPosted
    /// On one server a connection sees a room's messages in the order of `seq`.
    case localOrder

    // Answers

    /// `recovered` is true only with the whole gap; and it is, when the gap is there.
    case recoveredWhole
    /// A page of history is exactly what was asked for, with everything acknowledged before.
    case historyExact
    /// `online` lists who has an unexpired connection and when the user was last seen, everybody else not, each user once and in order.
    case onlineIsLive
    /// Nothing of one tenant is seen in another.
    case tenantIsolated
    /// Who is not in a room neither speaks nor reads there, nobody joins a room that the token does not allow, and who is no admin does
    /// not speak to everyone.
    case refusedWhereDue
    /// A refusal has the reason that it names; `internal` and failures only where something failed.
    case rightAnswer
    /// A frame that is refused changes nothing.
    case badFrameChangesNothing
    /// Every event comes to an end.
    case neverStuck
}

/// A run in which an invariant does not hold.
public struct Violation: Sendable {
    public let invariant: Invariant
    public let text: String
    /// Milliseconds into the run.
    public let time: Int64
}
