#pragma once
// Every bound of the protocol in one place. "Our guess" marks what the simulator has yet to tune.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "starling/instant.h"

namespace starling::protocol::limits {

using namespace std::chrono_literals;

/// The version in the handshake's prologue; a peer with another one fails the handshake.
inline constexpr std::uint8_t protocol_version = 1;

// --- Frames (Noise specification, revision 34: a transport message is at most 65,535 bytes) ---
inline constexpr std::size_t frame_bytes_max = 65'535;
inline constexpr std::size_t bulk_plaintext_bytes_max = 16 * 1024;  // the AEAD peaks at 16 KiB
inline constexpr std::size_t control_bytes_max = 16 * 1024;
inline constexpr std::size_t gossip_bytes_max = 4 * 1024;
// A merge's roster names every member (128 bytes each), so it alone may exceed gossip_bytes_max.
inline constexpr std::size_t roster_bytes_max = 15 * 1024;
inline constexpr std::size_t handshake_message_bytes_max = 1024;

// --- Handshakes: 185 us of curve operations per side, so 400/s cost 7 % of a core ---
inline constexpr Duration handshake_time_max = 10s;
inline constexpr Duration frame_time_max = 20s;  // a started frame must end: slow-loris
inline constexpr std::size_t pending_handshakes_max = 64;
inline constexpr int handshakes_per_second_max = 400;
inline constexpr int handshakes_per_second_per_prefix = 20;
inline constexpr std::size_t connections_per_prefix_max = 64;  // a testnet shares one address

// --- Queues ---
inline constexpr std::size_t session_queue_messages_max = 4096;  // control and gossip
inline constexpr std::size_t session_bulk_queue_bytes_max = 64U
                                                            << 20U;  // PROTOCOL 8: 64 MiB per peer
inline constexpr std::size_t bulk_message_bytes_max = 64U << 20U;
inline constexpr std::size_t credit_window_bytes_initial = 256U << 10U;
inline constexpr std::size_t credit_window_bytes_max = 4U << 20U;
inline constexpr std::size_t links_max = 64;   // open connections of a node
inline constexpr std::size_t edges_max = 128;  // remembered mixing edges, each may retain a payload

// --- Sealed channel ---
inline constexpr std::uint64_t rekey_interval_frames = 256;

// --- Membership (HyParView, Leitao et al. 2007; sizes from PROTOCOL.md section 3) ---
inline constexpr std::size_t active_view_peers_max = 8;
inline constexpr std::size_t active_view_peers_refill = 5;
inline constexpr std::size_t passive_view_peers_max = 48;
inline constexpr std::uint8_t active_walk_hops = 6;
inline constexpr std::uint8_t passive_walk_hops = 3;
inline constexpr std::size_t shuffle_peers_max = 8;
inline constexpr Duration shuffle_interval = 30s;
inline constexpr Duration neighbour_reply_time_max = 2s;

// --- Failure detection between neighbours (SWIM, Das et al. 2002; Lifeguard, Dadgar et al. 2017)
// ---
inline constexpr Duration ping_interval = 5s;
inline constexpr Duration ping_time_max = 3s;
inline constexpr int indirect_probes = 3;
inline constexpr int local_health_multiplier_max = 8;

// --- Broadcast (Plumtree, Leitao et al. 2007) ---
inline constexpr Duration graft_delay_first = 300ms;
inline constexpr Duration graft_delay_next = 200ms;
inline constexpr Duration ihave_batch_interval = 20ms;
inline constexpr std::uint32_t eager_hops_threshold = 7;
inline constexpr Duration broadcast_cache_time = 60s;
inline constexpr Duration broadcast_id_time = 120s;
inline constexpr std::size_t broadcast_cache_bytes_max = 16U << 20U;
inline constexpr std::size_t broadcast_ids_max = 1U << 17U;
inline constexpr std::size_t ihave_ids_max = 128;  // ids in one message

// --- Text and lists in messages ---
inline constexpr std::size_t address_characters_max = 255;
inline constexpr std::size_t merge_members_max = 1024;
inline constexpr std::size_t vote_authors_max = 4096;
inline constexpr std::size_t vote_probes_per_packet_max = 1024;
inline constexpr std::size_t vote_packets_per_message_max = 128;

// --- Final merge ---
inline constexpr std::size_t merge_slice_bytes_min = 64U << 10U;
inline constexpr std::size_t merge_slices_max = 4096;

}  // namespace starling::protocol::limits
