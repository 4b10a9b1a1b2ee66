// The preview of a schedule: of an expression by this binary, of a job by its daemon.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"
#include "cli/verb.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kPreviewed = 10;
constexpr uint64_t kPreviewedMax = 1000;
constexpr std::string_view kBlockOptions[] = {"--timezone", "--on-gap", "--on-fold", "--jitter"};

int RefusePreview(const Invocation& invocation, std::string message, std::string remedy) {
  invocation.console.Report(
      Error{ErrorKind::kConfig, "bad_usage", std::move(message), std::move(remedy), std::nullopt});
  return kExitUsage;
}

// "--on-gap" is `on_gap` in a definition.
std::string BlockKeyOf(std::string_view option) {
  std::string key(option.substr(2));
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::string RemarkOn(const json& fire) {
  if (fire.value("gap", false)) return "moved over a gap";
  return fire.value("fold", false) ? "in a fold" : "";
}

void ShowPreview(const json& preview, Console& console) {
  const json& items = preview["items"];
  const bool jittered = std::any_of(items.begin(), items.end(), [](const json& fire) {
    return Cell(fire, "/starts_at") != Cell(fire, "/at");
  });
  std::vector<std::string> heading = {"LOCAL", "UTC"};
  if (jittered) heading.emplace_back("WITH JITTER");
  heading.emplace_back("");
  std::vector<std::vector<std::string>> rows;
  for (const json& fire : items) {
    std::vector<std::string>& row =
        rows.emplace_back(std::vector{Cell(fire, "/local"), Cell(fire, "/at")});
    if (jittered) row.push_back(Cell(fire, "/starts_at"));
    row.push_back(RemarkOn(fire));
  }
  console.PrintTable(heading, rows);
  if (items.empty()) console.Note("it does not fire after that");
  if (preview.value("depends_on_job", false) && preview.value("job", json()).is_null()) {
    console.Note(
        "H, intervals and jitter are drawn from the job's name, so this is an example: "
        "name the job by --job NAME");
  }
}

}  // namespace

int SchedulePreviewVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  SchedulePreviewOptions options;
  if (!arguments.operands().empty()) options.cron = arguments.operands()[0];
  options.job = arguments.Text("--job");
  options.from = arguments.Text("--from");
  const uint64_t count = arguments.Number("--count").value_or(kPreviewed);
  if (count < 1 || count > kPreviewedMax) {
    return RefusePreview(invocation, "--count is from 1 to 1000", "ask for fewer fires");
  }
  options.count = static_cast<int>(count);
  for (const std::string_view option : kBlockOptions) {
    std::string value = arguments.Text(option);
    if (!value.empty()) options.keys.emplace_back(BlockKeyOf(option), std::move(value));
  }
  json preview;
  if (!options.cron.empty()) {
    const Result<std::string> text = invocation.local.schedule_preview(options);
    if (!text) {
      invocation.console.Report(text.error());
      return text.error().code == "invalid_time" ? kExitUsage : kExitInvalid;
    }
    preview = json::parse(*text);
  } else if (options.job.empty()) {
    return RefusePreview(invocation, "schedule preview takes an expression or --job NAME",
                         "bizond schedule preview '*/5 * * * *'");
  } else if (!options.keys.empty()) {
    return RefusePreview(invocation, "a job's own schedule has its own " + options.keys[0].first,
                         "write an expression too, or leave that option out");
  } else {
    DaemonSession session(invocation);
    std::string path = "/schedules/preview?job=" + EncodePathSegment(options.job) +
                       "&count=" + std::to_string(count);
    if (!options.from.empty()) path += "&from=" + EncodePathSegment(options.from);
    if (!session.Get(path, &preview)) return session.exit_code();
  }
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine(preview));
  } else {
    ShowPreview(preview, invocation.console);
  }
  return kExitDone;
}

}  // namespace bizond
