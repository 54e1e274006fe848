#include "node/runtime/home_network.h"

#include <asio/post.hpp>
#include <utility>

#include "node/runtime/address.h"
#include "node/runtime/own_address.h"

namespace starling::runtime {

HomeNetworkUse useful_on(const std::string& listened_on, HomeNetworkUse wanted) {
  const auto own = parse_host_port(listened_on);
  const bool is_reachable = own && !is_loopback_host(own->host);
  return is_reachable ? wanted : HomeNetworkUse{};
}

HomeNetwork::HomeNetwork(asio::io_context& network, HomeNetworkOptions options, Actions actions)
    : network_(network), options_(std::move(options)), actions_(std::move(actions)) {}

void HomeNetwork::start() {
  if (options_.use.beacon) {
    beacon_.emplace(
        network_,
        LanBeaconOptions{
            .run = options_.run, .psk = options_.psk, .self = options_.self, .port = options_.port},
        LanBeacon::Actions{.found =
                               [this](protocol::PeerRecord peer) {
                                 actions_.deliver(node::LanContact{std::move(peer)});
                               },
                           .warn = actions_.warn});
    beacon_->ask();
  }
  if (!options_.use.port_mapping) return;
  mapper_.emplace(
      network_, PortMapperOptions{.port = options_.port},
      PortMapper::Actions{.changed = [this](const MappingNews& news) { on_mapping(news); },
                          .warn = actions_.warn});
}

void HomeNetwork::on_mapping(const MappingNews& news) {
  actions_.warn(news.is_up ? "the router leads " + news.address + " to this node"
                           : "the router does not lead " + news.address + " to this node any more");
  actions_.deliver(node::AddressMapped{news.address, news.is_up});
}

void HomeNetwork::moved() {
  if (beacon_) beacon_->ask();
  if (mapper_) mapper_->moved();
}

void HomeNetwork::close(std::function<void()> closed) {
  if (beacon_) beacon_->close();
  if (mapper_) return mapper_->close(std::move(closed));
  asio::post(network_, std::move(closed));
}

}  // namespace starling::runtime
