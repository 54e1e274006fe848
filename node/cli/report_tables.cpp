#include "node/cli/report_tables.h"

#include <algorithm>

#include "node/cli/progress.h"
#include "node/cli/report_text.h"
#include "node/cli/report_topology.h"

namespace starling::cli {
namespace {

std::string cell(const std::string& html) {
  return "<td>" + html + "</td>";
}
std::string name_cell(const std::string& html) {
  return "<td class=\"name\">" + html + "</td>";
}

template <class Id>
std::string short_code(const Id& id) {
  return "<code title=\"" + id.hex() + "\">" + id.short_text() + "</code>";
}

/// The row of `id` in the table of nodes, from 1; a dash for a node this record does not know.
std::string node_number(const RunRecord& run, const NodeId& id) {
  const auto found = std::ranges::find(run.nodes, id, &NodeRecord::id);
  return found == run.nodes.end() ? "–" : std::to_string(found - run.nodes.begin() + 1);
}

std::string node_row(const NodeRecord& node, std::size_t index, bool with_votes) {
  const std::string number = std::to_string(index + 1);
  return "<tr data-node=\"" + number + "\"" + (broke_off(node) ? " class=\"gone\">" : ">") +
         name_cell(number) + name_cell(short_code(node.id)) + cell(count_text(node.samples_held)) +
         name_cell(render_label_bar(node)) +
         cell(count_text(node.samples.empty() ? 0 : node.samples.back().step)) +
         cell(percent_text(node.accuracy_before_merge)) + cell(bytes_text(node.bytes_sent)) +
         cell(bytes_text(node.bytes_received)) + cell(count_text(node.exchanges)) +
         (with_votes ? cell(count_text(node.votes)) : "") + name_cell(escaped(node.fate)) +
         "</tr>\n";
}

std::string member_row(const RunRecord& run, const MergeMember& member) {
  const bool attested =
      std::ranges::find(run.manifest.attestations, member.id) != run.manifest.attestations.end();
  return "<tr>" + name_cell(node_number(run, member.id)) + name_cell(short_code(member.id)) +
         cell(count_text(member.weight)) + cell(count_text(member.step)) +
         name_cell(short_code(member.contribution)) + name_cell(attested ? "yes" : "no") +
         "</tr>\n";
}

std::string full_digests(const Manifest& manifest) {
  std::string out =
      "<details><summary>Digests in full</summary><div class=\"scroll\"><pre>run    " +
      manifest.run.hex() + "\nmerge  " + manifest.merge.hex() + "\nmodel  " + manifest.model.hex() +
      "\n\nmember, contribution\n";
  for (const MergeMember& member : manifest.members) {
    out += member.id.hex() + " " + member.contribution.hex() + "\n";
  }
  out += "\nslice, contributors, digest\n";
  for (const MergeSlice& slice : manifest.slices) {
    out += std::to_string(slice.index) + " " + std::to_string(slice.contributors.size()) + " " +
           slice.digest.hex() + "\n";
  }
  return out + "</pre></div></details>";
}

}  // namespace

std::string render_node_table(const RunRecord& run) {
  const bool with_votes = run.votes > 0;
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th class=\"name\">#</th><th class=\"name\">node"
      "</th><th>samples</th><th class=\"name\">labels</th><th>steps</th><th>accuracy before merge"
      "</th><th>sent</th><th>received</th><th>exchanges</th>";
  if (with_votes) out += "<th>votes</th>";
  out += "<th class=\"name\">fate</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < run.nodes.size(); ++i) {
    out += node_row(run.nodes[i], i, with_votes);
  }
  return out + "</tbody></table></div>";
}

std::string render_manifest(const RunRecord& run) {
  const Manifest& manifest = run.manifest;
  if (manifest.members.empty()) return "<p>This run ended without a merge.</p>";
  std::string out = "<dl class=\"facts left\"><dt>run</dt><dd>" + short_code(manifest.run) +
                    "</dd><dt>merge</dt><dd>" + short_code(manifest.merge) +
                    "</dd><dt>merged model</dt><dd>" + short_code(manifest.model) +
                    "</dd><dt>cut-off</dt><dd>step " + count_text(manifest.cut_off) +
                    "</dd></dl><div class=\"scroll\"><table><thead><tr><th class=\"name\">#</th>"
                    "<th class=\"name\">member</th><th>weight</th><th>step</th>"
                    "<th class=\"name\">contribution</th><th class=\"name\">attested</th>"
                    "</tr></thead><tbody>\n";
  for (const MergeMember& member : manifest.members) out += member_row(run, member);
  return out + "</tbody></table></div>" + full_digests(manifest);
}

}  // namespace starling::cli
