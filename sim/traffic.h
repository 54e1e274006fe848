#pragma once
// What all nodes sent, by kind of message: where a run's bytes go.

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "protocol/wire/message.h"

namespace starling::sim {

struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// In the order of protocol::Message.
inline constexpr std::array<std::string_view, std::variant_size_v<protocol::Message>>
    message_names = {"close",
                     "credit",
                     "bulk_header",
                     "join",
                     "forward_join",
                     "neighbour_request",
                     "neighbour_reply",
                     "leave_view",
                     "shuffle",
                     "shuffle_reply",
                     "ping",
                     "pong",
                     "indirect_ping",
                     "indirect_pong",
                     "gossip",
                     "ihave",
                     "graft",
                     "prune",
                     "edge_hello",
                     "exchange_offer",
                     "exchange_accept",
                     "exchange_busy",
                     "exchange_applied",
                     "round_open",
                     "bulk",
                     "state_request",
                     "state_unavailable",
                     "vote_vector",
                     "vote_range_request",
                     "vote_range",
                     "merge_slice_request",
                     "progress",
                     "state_query",
                     "state_offer",
                     "cut_digest",
                     "cut_parts",
                     "description_request",
                     "description",
                     "identity_challenge",
                     "identity_proof",
                     "merge_commitments",
                     "merge_roster_request",
                     "merge_attested",
                     "observed_address",
                     "dial_back_request",
                     "dial_back_reply",
                     "rendezvous",
                     "circuit_open",
                     "circuit_data",
                     "circuit_credit",
                     "circuit_close",
                     "gossip_batch",
                     "model_form"};
static_assert(!message_names.back().empty());

/// By protocol::Message::index().
using TrafficByKind = std::array<Traffic, message_names.size()>;

}  // namespace starling::sim
