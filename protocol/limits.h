#pragma once
// Every bound of the protocol in one place. "Our guess" marks what the simulator has yet to tune.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "starling/instant.h"

namespace starling::protocol::limits {

using namespace std::chrono_literals;

/// The version in the preamble and in the handshake's prologue; a peer with another one is refused.
inline constexpr std::uint8_t protocol_version = 4;

// --- Frames (Noise specification, revision 34: a transport message is at most 65,535 bytes) ---
inline constexpr std::size_t frame_bytes_max = 65'535;
inline constexpr std::size_t bulk_plaintext_bytes_max = 16 * 1024;  // the AEAD peaks at 16 KiB
inline constexpr std::size_t control_bytes_max = 16 * 1024;
inline constexpr std::size_t gossip_bytes_max = 4 * 1024;
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
// Two nodes that train a small model over loopback send each other up to 16,000 messages a second;
// at 2 us each this is 10 % of a core.
inline constexpr int session_messages_per_second_max = 50'000;
// Of bulk a link's queue admits this much besides what the run's own sizes need (BulkBounds): the
// slices of a merge, of which merge_window_bytes are on their way; the double is our guess.
inline constexpr std::size_t bulk_queue_bytes_min = 64U << 20U;
// What is set aside for an incoming bulk message: this much, and then as many times what has come.
// A peer pays with bytes for a quarter of the memory that it is given.
inline constexpr std::size_t bulk_room_bytes_first = 256U << 10U;
inline constexpr std::size_t bulk_room_growth = 4;
// A bulk message that takes longer than this is told of as often; our guess: far below the times
// that end without progress.
inline constexpr Duration bulk_progress_interval = 1s;
inline constexpr std::size_t credit_window_bytes_initial = 256U << 10U;
inline constexpr std::size_t credit_window_bytes_max = 4U << 20U;
inline constexpr std::size_t links_max = 64;   // open connections of a node
inline constexpr std::size_t edges_max = 128;  // remembered mixing edges, each may retain payloads
// Two rounds overlap, a broken one may await completion, and an edge may begin later than proposed.
inline constexpr std::size_t edge_payloads_max = 4;

// --- Waiting for what others compute and send: without progress, whatever the size. Our guesses.
inline constexpr Duration payload_time_max = 20s;  // of a pair; starts anew with every progress
inline constexpr Duration round_time_max = 60s;
inline constexpr Duration state_time_max = 30s;  // then another donor is asked as well
// A peer may compute as many times as slowly as we do before its silence counts.
inline constexpr int slower_peer_factor = 10;

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
inline constexpr Duration refill_interval = 500ms;     // our guess: seconds to fill a small swarm
inline constexpr Duration shuffle_interval_thin = 3s;  // our guess: the view has room, no candidate
inline constexpr Duration probe_interval = 120s;       // PROTOCOL 8: a feeler every 2 minutes
inline constexpr Duration stranger_link_time_max = 10s;  // our guess: a link without a purpose
inline constexpr Duration dial_time_max = 12s;           // a TCP connect and handshake_time_max
inline constexpr Duration redial_delay_first = 1s;       // doubles with every failure
inline constexpr Duration redial_delay_max = 60s;        // our guess
// A peer that we have been linked with lately is tried again at least so often: it sleeps, or the
// network between us is away for a while, and it is to take part again soon after. Our guesses.
inline constexpr Duration redial_delay_known_max = 5s;
inline constexpr Duration known_peer_time = 600s;
inline constexpr std::size_t dials_pending_max = 16;
inline constexpr std::size_t address_book_peers_max = 1024;
inline constexpr std::size_t remembered_peers_max = 256;  // on disk; our guess
inline constexpr std::size_t nodes_seen_max = 16'384;     // on disk: 75 bytes each
inline constexpr Duration save_peers_interval = 10s;      // at most so often; our guess
// A new neighbour is on disk after this time: a power cut must not leave a node that knows nobody.
inline constexpr Duration save_neighbour_delay = 50ms;
inline constexpr std::size_t own_addresses_max = 8;  // under which we may be dialled; our guess
inline constexpr std::size_t contacts_max = 16;      // ticket addresses whose owner is unknown

// --- Reaching each other (docs/REACHABILITY.md); what is not measured is our guess ---
// A dial takes two or three round trips where it succeeds; a firewall that drops says nothing.
inline constexpr Duration dial_patience = 2s;
inline constexpr Duration dial_patience_least = 500ms;  // a path that failed lately
inline constexpr Duration rendezvous_patience = 3s;     // the member between, and the other's dial
inline constexpr Duration punch_patience = 5s;          // a SYN is sent again after 1 s and 3 s
inline constexpr Duration promise_time_max = 30s;       // that we dial somebody who asked for it
inline constexpr Duration path_search_time_max = 60s;  // all paths to one peer, one after the other
inline constexpr Duration path_retry_max = 300s;       // before a path that failed is tried again
inline constexpr std::size_t path_helpers_max = 8;     // asked on behalf of one peer: a whole view
inline constexpr double rendezvous_per_second_max = 8;  // passed on for one link
// One address of each family and one more, a VPN's say (our guess); three of them fit
// address_characters_max.
inline constexpr std::size_t addresses_per_node_max = 3;
// Two of different networks have to agree: one peer may lie (SWARM: reflected addresses).
inline constexpr std::size_t address_witnesses_min = 2;
inline constexpr Duration dial_back_delay = 1s;     // for a second witness to speak
inline constexpr Duration dial_back_retry = 60s;    // after all peers have tried in vain
inline constexpr Duration dial_back_again = 300s;   // what is proven is tested again
inline constexpr Duration dial_back_interval = 5s;  // one for each peer
inline constexpr Duration dial_back_pause = 6s;     // of the asker, which is longer
inline constexpr std::size_t dial_backs_pending_max = 4;
// What a link has sent and its other end has not taken up, over a relay: at the budget below it
// delays a ping by a quarter of a second, and lets a round trip of 250 ms reach the budget.
inline constexpr std::size_t circuit_window_bytes = 8U << 10U;
inline constexpr std::size_t circuit_data_bytes_max = 4U << 10U;
inline constexpr double circuit_bytes_per_second = 32U << 10U;       // each way
inline constexpr double relay_bytes_per_second_total = 256U << 10U;  // of one relay
inline constexpr std::size_t circuits_max = 64;                      // of one relay
inline constexpr std::size_t circuits_per_peer_max = 16;             // opened by one peer
inline constexpr double circuits_opened_per_second_max = 8;          // by one peer
inline constexpr Duration circuit_idle_time_max = 60s;
// Of a relayed session: a larger frame would make a ping wait behind it.
inline constexpr std::size_t relayed_bulk_frame_bytes = 2U << 10U;

// --- Failure detection between neighbours (SWIM, Das et al. 2002; Lifeguard, Dadgar et al. 2017)
// ---
inline constexpr Duration ping_interval = 5s;
inline constexpr Duration ping_time_max = 3s;
inline constexpr int indirect_probes = 3;
inline constexpr int local_health_multiplier_max = 8;
inline constexpr std::size_t relayed_probes_max = 64;  // our guess: 8 neighbours asking for 8

// --- Broadcast (Plumtree, Leitao et al. 2007) ---
inline constexpr Duration graft_delay_first = 300ms;
inline constexpr Duration graft_delay_next = 200ms;
inline constexpr Duration graft_delay_max = 3s;  // our guess: where full links delay the bodies
inline constexpr Duration ihave_batch_interval = 20ms;
inline constexpr std::uint32_t eager_hops_threshold = 7;
inline constexpr Duration shaping_interval = 2s;  // our guess: longer than a body is under way
inline constexpr Duration broadcast_cache_time = 60s;
inline constexpr Duration broadcast_id_time = 120s;
inline constexpr std::size_t broadcast_cache_bytes_max = 16U << 20U;
inline constexpr std::size_t broadcast_ids_max = 1U << 17U;
// Of a GossipBatch; the rest of control_bytes_max is for its encoding.
inline constexpr std::size_t gossip_batch_bodies_max = 64;
inline constexpr std::size_t gossip_batch_bytes_max = 8 * 1024;
inline constexpr std::size_t ihave_ids_max = 128;  // ids in one message
// Caps per peer and second, as gossipsub v1.1 has them (5,000 ids a heartbeat there; our guess
// here).
inline constexpr Duration gossip_cap_interval = 1s;
inline constexpr std::size_t ihave_ids_per_interval_max = 4096;
inline constexpr std::size_t grafts_per_interval_max = 1024;
inline constexpr std::size_t ihave_catch_up_ids_max = 1024;  // told to a new neighbour
inline constexpr std::size_t missing_broadcasts_max = 8192;  // announced, not yet received
inline constexpr std::size_t graft_attempts_max = 16;        // then the id is given up

// --- Votes: anti-entropy (our guesses) ---
inline constexpr Duration vote_sync_interval = 5s;
inline constexpr Duration vote_request_time_max = 2s;
inline constexpr Duration vote_answer_time_max = 4s;  // where answers have proven to be slow
inline constexpr std::size_t vote_requests_per_peer_max = 16;
inline constexpr std::uint32_t vote_request_packets_max = 64;
inline constexpr std::size_t vote_vector_counts_max = 256;  // 48 bytes each in one control message
inline constexpr std::size_t vote_range_bytes_max = 12U * 1024;  // leaves room for the encoding
inline constexpr std::uint64_t vote_packets_ahead_max = 4096;    // held beyond the first gap
inline constexpr std::size_t vote_store_bytes_max = 256U << 20U;
inline constexpr std::uint64_t vote_packets_per_step_max = 16;

// --- Votes: divergence ---
inline constexpr std::size_t cut_parts_max = 1024;  // 8 KiB in one control message
inline constexpr std::size_t cuts_kept_max = 4;     // of ours and of each neighbour; our guess

// --- Peer score: points lose half their weight in every half-life (our guesses) ---
inline constexpr Duration score_half_life = 60s;
inline constexpr double score_drop_points = 10;
inline constexpr double score_ban_points = 40;
inline constexpr Duration ban_time = 600s;
inline constexpr std::size_t scored_peers_max = 1024;

// --- Text and lists in messages ---
inline constexpr std::size_t address_characters_max = 255;
inline constexpr std::size_t merge_members_max = 1024;
inline constexpr std::size_t vote_authors_max = 4096;
inline constexpr std::size_t vote_probes_per_packet_max = 1024;
inline constexpr std::size_t vote_packets_per_message_max = 128;

// --- Newcomers ---
// Our guess: a description with a recipe of fifty factors has 3 KiB; half of a control message.
inline constexpr std::size_t description_bytes_max = 8 * 1024;

// --- Beacon on the local network ---
// Our guesses: a hundred members of a run in one room ask once a minute and answer each other.
inline constexpr int beacons_received_per_second_max = 500;  // 2 us each: 0.1 % of a core
inline constexpr int beacons_answered_per_second_max = 20;
inline constexpr int beacon_contacts_per_second_max = 20;
inline constexpr std::size_t beacon_addresses_max = 8;  // of this machine, asked from
// Clocks may differ by so much, and a query that somebody has recorded is worth nothing after it.
inline constexpr Duration beacon_age_max = 3600s;
inline constexpr std::size_t beacon_queries_kept = 32;   // our own, answers to which are believed
inline constexpr std::size_t beacon_nonces_kept = 1024;  // of queries heard: not believed again
inline constexpr Duration beacon_query_interval = 60s;   // after the first ones; our guess
inline constexpr Duration beacon_query_pause_first = 250ms;  // doubles: datagrams are lost at times

// --- Final merge ---
inline constexpr std::size_t merge_slice_bytes_min = 64U << 10U;
inline constexpr std::size_t merge_slices_max = 4096;
inline constexpr std::uint64_t merge_weight_max = 1U << 20U;  // merge_block.h counts on it
// Each member's id, digest, two varints, and 2 bytes for an edge: 211 KB with 64 edges a member.
inline constexpr std::size_t merge_roster_bytes_max = 256U << 10U;
inline constexpr std::size_t merge_results_max = 64;         // in one announcement, 36 bytes each
inline constexpr std::size_t merge_recall_slices_max = 512;  // in one announcement, 4 bytes each
inline constexpr std::size_t merge_commitments_per_message_max = 64;
// Signed commitments in one message; the rest of control_bytes_max is for the encoding.
inline constexpr std::size_t merge_commitments_bytes_max = 14U << 10U;
// Our guess: slices that a node works on at a time. Parts and merged slices of them wait in a
// link's queue, 9 bytes a value where parts are sums, and room is left for others.
inline constexpr std::size_t merge_window_bytes = 16U << 20U;
inline constexpr std::size_t merge_roots_max = 4;       // remembered of one slice: of dead ones too
inline constexpr std::size_t merge_slices_asked = 32;   // of one neighbour at a time; our guess
inline constexpr Duration merge_batch_interval = 30ms;  // commitments, a root's last words

}  // namespace starling::protocol::limits
