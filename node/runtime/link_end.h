#pragma once
// Why links end and dials fail, in the words of those who hear of it.

#include "protocol/link/dial_problem.h"
#include "protocol/link/session.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"

namespace starling::runtime {

/// Of a dial whose socket was connected, and whose session ended before it was established.
[[nodiscard]] protocol::DialProblem dial_problem_of(const protocol::SessionClosed& closed);

/// True if the peer spoke out of turn at once, as it does where both dialled the same connection.
[[nodiscard]] bool may_have_crossed(const protocol::SessionClosed& closed);

/// Of an established session that ended because the peer broke a rule.
[[nodiscard]] protocol::CloseReason close_reason_of(protocol::RejectReason reason);

/// What a peer is told that gets no link.
[[nodiscard]] protocol::CloseReason close_reason_of(protocol::DialProblem objection);

}  // namespace starling::runtime
