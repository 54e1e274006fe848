# What travels inside control frames and signed announcements. Fields and union members are only
# ever appended, never renumbered or reused; a reader ignores the members it does not know.
# Identifiers and digests are Data of exactly 32 bytes, broadcast ids of 16; wire checks each length.

@0xb3d1a7c06f5e4928;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("starling::protocol::schema");

struct Message {
  union {
    close @0 :Close;
    credit @1 :Credit;
    bulkHeader @2 :BulkHeader;
    join @3 :Join;
    forwardJoin @4 :ForwardJoin;
    neighbourRequest @5 :NeighbourRequest;
    neighbourReply @6 :NeighbourReply;
    leaveView @7 :LeaveView;
    shuffle @8 :Shuffle;
    shuffleReply @9 :ShuffleReply;
    ping @10 :Ping;
    pong @11 :Pong;
    indirectPing @12 :IndirectPing;
    indirectPong @13 :IndirectPong;
    gossip @14 :Gossip;
    iHave @15 :IHave;
    graft @16 :Graft;
    prune @17 :Prune;
    edgeHello @18 :EdgeHello;
    exchangeOffer @19 :ExchangeOffer;
    exchangeAccept @20 :ExchangeAccept;
    exchangeBusy @21 :ExchangeBusy;
    exchangeApplied @22 :ExchangeApplied;
    roundOpen @23 :RoundOpen;
    stateRequest @24 :StateRequest;
    stateUnavailable @25 :StateUnavailable;
    voteVector @26 :VoteVector;
    voteRangeRequest @27 :VoteRangeRequest;
    voteRange @28 :VoteRange;
    mergeSliceRequest @29 :MergeSliceRequest;
    progress @30 :Progress;
    stateQuery @31 :StateQuery;
    stateOffer @32 :StateOffer;
    cutDigest @33 :CutDigest;
    cutParts @34 :CutParts;
    descriptionRequest @35 :Void;
    description @36 :Description;
    identityChallenge @37 :IdentityChallenge;
    identityProof @38 :IdentityProof;
    mergeCommitments @39 :MergeCommitments;
    mergeRosterRequest @40 :MergeRosterRequest;
    mergeAttested @41 :MergeAttested;
    observedAddress @42 :ObservedAddress;
    dialBackRequest @43 :DialBackRequest;
    dialBackReply @44 :DialBackReply;
    rendezvous @45 :Rendezvous;
    circuitOpen @46 :CircuitOpen;
    circuitData @47 :CircuitData;
    circuitCredit @48 :CircuitCredit;
    circuitClose @49 :CircuitClose;
    gossipBatch @50 :GossipBatch;
    modelForm @51 :ModelForm;
  }
}

# --- Session ---

struct Close {
  reason @0 :UInt8;
}
struct Credit {
  bytes @0 :UInt64;
}
struct BulkHeader {
  kind @0 :UInt8;
  number @1 :UInt64;
  step @2 :UInt64;
  degree @3 :UInt32;
  context @4 :Data;
  bytes @5 :UInt64;
}

# --- What is trained ---

struct ModelForm {
  parameters @0 :UInt64;
  layout @1 :Data;
  features @2 :UInt32;
  classes @3 :UInt32;
}

# --- Membership ---

struct PeerRecord {
  id @0 :Data;
  address @1 :Text;
}
struct Join {
  joiner @0 :PeerRecord;
}
struct ForwardJoin {
  joiner @0 :PeerRecord;
  hopsLeft @1 :UInt8;
}
struct NeighbourRequest {
  sender @0 :PeerRecord;
  highPriority @1 :Bool;
}
struct NeighbourReply {
  accepted @0 :Bool;
}
struct LeaveView {
  alive @0 :Bool;
}
struct Shuffle {
  origin @0 :PeerRecord;
  hopsLeft @1 :UInt8;
  peers @2 :List(PeerRecord);
}
struct ShuffleReply {
  peers @0 :List(PeerRecord);
}

# --- Failure detection ---

struct Ping {
  nonce @0 :UInt64;
}
struct Pong {
  nonce @0 :UInt64;
}
struct IndirectPing {
  target @0 :Data;
  nonce @1 :UInt64;
}
struct IndirectPong {
  target @0 :Data;
  nonce @1 :UInt64;
  alive @2 :Bool;
}

# --- Broadcast ---

struct Gossip {
  id @0 :Data;
  hops @1 :UInt32;
  body @2 :Data;  # a signed announcement, as its author sent it
}
struct GossipBatch {
  bodies @0 :List(Gossip);
}
struct IHave {
  ids @0 :Data;  # 16 bytes each, without the pointers of a list
  hops @1 :List(UInt32);
  canWait @2 :Bool;  # the bodies travel in batches
}
struct Graft {
  id @0 :Data;
}
struct Prune {
}

# --- Exchange ---

struct EdgeHello {
  incarnation @0 :UInt64;
  peerIncarnation @1 :UInt64;
  applied @2 :UInt64;
  step @3 :UInt64;
}
struct ExchangeOffer {
  exchange @0 :UInt64;
  step @1 :UInt64;
}
struct ExchangeAccept {
  exchange @0 :UInt64;
  step @1 :UInt64;
}
struct ExchangeBusy {
  exchange @0 :UInt64;
}
struct ExchangeApplied {
  exchange @0 :UInt64;
}
struct RoundOpen {
  round @0 :UInt64;
  final @1 :Bool;
}
struct Progress {
  step @0 :UInt64;
}
struct StateRequest {
  request @0 :UInt64;
}
struct StateUnavailable {
  request @0 :UInt64;
}
struct StateQuery {
  request @0 :UInt64;
}
struct StateOffer {
  request @0 :UInt64;
  step @1 :UInt64;
  packets @2 :UInt64;
  bytes @3 :UInt64;
  state @4 :Data;
  hasWholeLedger @5 :Bool;
}

# --- Votes ---

struct VoteCount {
  author @0 :Data;
  packets @1 :UInt64;
}
struct VoteVector {
  counts @0 :List(VoteCount);
  wantsReply @1 :Bool;
  digest @2 :Data;  # of the sender's whole vector
  isProbe @3 :Bool;
}
struct VoteRangeRequest {
  author @0 :Data;
  first @1 :UInt64;
  count @2 :UInt32;
}
struct VoteRange {
  packets @0 :List(Data);  # signed announcements, as their authors sent them
}
struct CutDigest {
  step @0 :UInt64;
  packets @1 :UInt64;
  votes @2 :Data;
  model @3 :Data;
}
struct CutParts {
  step @0 :UInt64;
  votes @1 :Data;
  parts @2 :List(UInt64);
}

# --- Final merge ---

struct MergeSliceRequest {
  merge @0 :Data;
  slice @1 :UInt32;
  digest @2 :Data;
}
struct MergeCommitments {
  merge @0 :Data;
  signedCommitments @1 :List(Data);  # signed announcements, as their authors made them
}
struct MergeRosterRequest {
  merge @0 :Data;
}
struct MergeAttested {
  merge @0 :Data;
  model @1 :Data;
  members @2 :Data;  # a bit for each member of the roster, the first in the lowest bit
}

# --- Newcomers ---

struct Description {
  text @0 :Data;
}

# --- Two processes of one node ---

struct IdentityChallenge {
  incarnation @0 :UInt64;
}
struct IdentityProof {
  presence @0 :Data;  # a signed announcement
}

# --- Reaching each other ---

struct ObservedAddress {
  address @0 :Text;
}
struct DialBackRequest {
  nonce @0 :UInt64;
  address @1 :Text;
}
struct DialBackReply {
  nonce @0 :UInt64;
  outcome @1 :UInt8;  # 0 refused, 1 failed, 2 reached
}
struct Rendezvous {
  step @0 :UInt8;
  origin @1 :Data;
  target @2 :Data;
  address @3 :Text;
}
struct CircuitOpen {
  circuit @0 :UInt64;
  origin @1 :Data;
  target @2 :Data;
}
struct CircuitData {
  circuit @0 :UInt64;
  data @1 :Data;
}
struct CircuitCredit {
  circuit @0 :UInt64;
  bytes @1 :UInt64;
}
struct CircuitClose {
  circuit @0 :UInt64;
  reason @1 :UInt8;
}

# --- Announcements: the signed bodies of broadcasts ---

struct Announcement {
  author @0 :Data;
  sequence @1 :UInt64;
  union {
    presence @2 :Presence;
    retiredVotePacket @3 :Void;  # votes have a body of their own, docs/WIRE.md
    mergeProposal @4 :MergeProposal;
    mergeCommitment @5 :MergeCommitment;
    mergeRoster @6 :MergeRoster;
    mergeResults @7 :MergeResults;
    mergeClosed @8 :MergeClosed;
    mergeLinks @9 :MergeLinks;
    mergeRecall @10 :MergeRecall;
  }
}

struct Presence {
  address @0 :Text;
  incarnation @1 :UInt64;
  step @2 :UInt64;
  finished @3 :Bool;
  leaving @4 :Bool;
  rival @5 :UInt64;
  reach @6 :UInt8;  # 0 unknown, 1 public, 2 at a mapped port, 3 behind a router
  merged @7 :Bool;
}
struct MergeProposal {
  merge @0 :Data;
  cutOff @1 :UInt64;
  deadlineMs @2 :UInt64;
  nodesSeen @3 :UInt32;
  acceptsPartial @4 :Bool;
}
struct MergeCommitment {  # not broadcast: it travels in MergeCommitments
  merge @0 :Data;
  weight @1 :UInt64;
  step @2 :UInt64;
  digest @3 :Data;
  nodesSeen @4 :UInt32;
  neighbours @5 :Data;  # 32 bytes each
}
struct MergeRoster {  # names the bulk of this digest, docs/WIRE.md
  merge @0 :Data;
  members @1 :UInt32;
  digest @2 :Data;
}
struct MergeResults {
  merge @0 :Data;
  contributors @1 :Data;  # a bit for each member
  slices @2 :List(UInt32);
  digests @3 :Data;  # 32 bytes each
}
struct MergeLinks {
  merge @0 :Data;
  number @1 :UInt64;
  up @2 :List(UInt16);
  down @3 :List(UInt16);
  observes @4 :Bool;
}
struct MergeRecall {
  merge @0 :Data;
  missing @1 :Data;  # a bit for each member
  slices @2 :List(UInt32);
}
struct MergeClosed {
  merge @0 :Data;
  model @1 :Data;
  members @2 :Data;  # a bit for each member
}
