#include "sources/dummy/dummy_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/time.h"
#include "sync/record_parser.h"
#include "sync/start_over.h"

namespace bizond {
namespace {

using nlohmann::json;

struct Row {
  int page;
  int id;
  std::string_view creature;
  std::string_view plant;
  int age;
};

// One table serves both streams: they differ in the names only.
constexpr Row kRows[] = {
    {0, 9898, "bizon", "tree", 26},   {0, 88787, "croco", "flower", 23},
    {1, 98, "froggy", "cactus", 26},  {1, 3333, "turtle", "bamboo", 23},
    {2, 56565, "poulpo", "rose", 26},
};

// The token that leads to each page; the first page has none.
constexpr std::string_view kTokens[] = {"", "vfvfvuhfefpeiduzhihxb", "final-cursor"};
constexpr int kPages = 3;
// After the last page of stream mode.
constexpr std::string_view kEndToken = "end";

constexpr uint64_t kGeneratedPageRows = 1000;
constexpr uint64_t kGeneratedRowsMax = 1'000'000'000;
constexpr UtcTime kFirstUpdate{std::chrono::seconds(1'735'689'600)};  // 2025-01-01T00:00:00Z
constexpr Duration kIdleWait = std::chrono::seconds(1);

Failure BadConfig(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "bad_config", "source.dummy: " + std::move(message),
              std::move(remedy));
}

// What each kind of authentication must bring, as with bizon's dummy; here it may be left out.
struct AuthRow {
  std::string_view type;
  std::array<std::string_view, 3> params;
};
constexpr AuthRow kAuthRows[] = {
    {"api_key", {"token", "", ""}},
    {"oauth", {"token_refresh_endpoint", "client_id", "client_secret"}},
};

Status CheckAuthentication(const json& config) {
  constexpr std::string_view kRemedy =
      "give it as in `bizond connectors show source/dummy`: authentication: {type: api_key, "
      "params: {token: dummy_key}}";
  const json authentication = config.value("authentication", json());
  if (authentication.is_null()) return {};
  const json type = authentication.value("type", json());
  const json params = authentication.value("params", json::object());
  for (const AuthRow& row : kAuthRows) {
    if (!type.is_string() || type.get_ref<const std::string&>() != row.type) continue;
    for (const std::string_view name : row.params) {
      if (name.empty()) continue;
      const auto found = params.find(name);
      if (found == params.end() || !found->is_string()) {
        return BadConfig(fmt::format("authentication.params.{} is missing", name),
                         std::string(kRemedy));
      }
    }
    return {};
  }
  return BadConfig("authentication.type must be api_key or oauth", std::string(kRemedy));
}

class DummySource final : public Source {
 public:
  DummySource(bool plants, Duration sleep, std::optional<uint64_t> rows, const SourceSpec& spec,
              Clock& clock)
      : plants_(plants),
        sleep_(sleep),
        rows_(rows),
        id_is_key_(spec.primary_key.empty()),
        clock_(clock) {}

  Status CheckConnection(std::stop_token stop) override {
    if (stop.stop_requested())
      return tl::make_unexpected(StoppedError("checking the dummy source"));
    return {};
  }

  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop) override {
    BIZOND_ASSIGN_OR_RETURN(const std::string token, TokenOf(pagination));
    const bool ended = token == kEndToken;
    const Duration wait = ended ? std::max(sleep_, kIdleWait) : sleep_;
    if (stop.stop_requested() || (wait.count() > 0 && !clock_.SleepFor(wait, stop))) {
      return tl::make_unexpected(StoppedError("reading the dummy source"));
    }
    Iteration iteration;
    iteration.next_pagination = pagination;
    if (ended) return iteration;
    if (rows_) {
      BIZOND_RETURN_IF_ERROR(AddGenerated(request, token, batch, &iteration));
    } else {
      BIZOND_RETURN_IF_ERROR(AddPage(request, token, batch, &iteration));
    }
    // A stream has no end: what follows its last page is nothing yet.
    if (iteration.exhausted && request.mode == SyncMode::kStream) {
      iteration.exhausted = false;
      iteration.next_pagination = fmt::format(R"({{"cursor": "{}"}})", kEndToken);
    }
    return iteration;
  }

 private:
  static Result<std::string> TokenOf(std::string_view pagination) {
    if (pagination.empty()) return std::string();
    const json parsed = json::parse(pagination, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_object()) {
      const json token = parsed.value("cursor", json(""));
      if (token.is_string()) return token.get<std::string>();
    }
    return Fail(ErrorKind::kPermanent, "bad_pagination",
                fmt::format("the dummy source cannot read the pagination {}", pagination),
                std::string(kStartOver));
  }

  Status Add(const ReadRequest& request, uint64_t id, std::string_view name, uint64_t age,
             UtcTime updated_at, RecordBatch* batch, Iteration* iteration) {
    text_.clear();
    fmt::format_to(std::back_inserter(text_),
                   R"({{"id": {}, "name": "{}", "age": {}, "updated_at": "{}"}})", id, name, age,
                   FormatUtc(updated_at));
    const std::string_view stored = batch->Store({text_.data(), text_.size()});
    BIZOND_RETURN_IF_ERROR(
        request.parser->Add(stored, static_cast<uint32_t>(iteration->rows_read), batch));
    ++iteration->rows_read;
    if (id_is_key_) {
      // bizon's source names the id as the record's own, whatever the job says.
      Record& record = batch->records().back();
      record.key = stored.substr(std::string_view(R"({"id": )").size());
      record.key = record.key.substr(0, record.key.find(','));
      record.has_key = true;
    }
    return {};
  }

  Status AddPage(const ReadRequest& request, std::string_view token, RecordBatch* batch,
                 Iteration* iteration) {
    // Any unknown token leads to the second page, as in bizon.
    const int page = token.empty() ? 0 : token == kTokens[2] ? 2 : 1;
    UtcTime updated_at = kFirstUpdate;
    for (const Row& row : kRows) {
      updated_at += std::chrono::hours(24);
      if (row.page != page) continue;
      BIZOND_RETURN_IF_ERROR(Add(request, static_cast<uint64_t>(row.id),
                                 plants_ ? row.plant : row.creature, static_cast<uint64_t>(row.age),
                                 updated_at, batch, iteration));
    }
    iteration->exhausted = page + 1 == kPages;
    iteration->next_pagination =
        iteration->exhausted ? "{}" : fmt::format(R"({{"cursor": "{}"}})", kTokens[page + 1]);
    return {};
  }

  Status AddGenerated(const ReadRequest& request, const std::string& token, RecordBatch* batch,
                      Iteration* iteration) {
    uint64_t next = 0;
    for (const char c : token) {
      if (c < '0' || c > '9' || next > kGeneratedRowsMax) {
        return Fail(ErrorKind::kPermanent, "bad_pagination",
                    fmt::format("the dummy source does not know the page \"{}\"", token),
                    std::string(kStartOver));
      }
      next = next * 10 + static_cast<uint64_t>(c - '0');
    }
    const uint64_t end = std::min(*rows_, next + kGeneratedPageRows);
    for (; next < end; ++next) {
      const Row& like = kRows[next % std::size(kRows)];
      BIZOND_RETURN_IF_ERROR(Add(request, next + 1, plants_ ? like.plant : like.creature,
                                 next % 100, kFirstUpdate + std::chrono::seconds(next), batch,
                                 iteration));
    }
    iteration->exhausted = end == *rows_ || next >= *rows_;
    iteration->next_pagination = fmt::format(R"({{"cursor": "{}"}})", next);
    return {};
  }

  const bool plants_;
  const Duration sleep_;
  const std::optional<uint64_t> rows_;
  const bool id_is_key_;
  Clock& clock_;
  fmt::memory_buffer text_;
};

}  // namespace

Result<std::unique_ptr<Source>> OpenDummySource(const ConnectorArgs& args) {
  const json config = json::parse(args.config, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return BadConfig("the block is not an object", "see the example job");
  const bool known = std::any_of(DummyStreams().begin(), DummyStreams().end(),
                                 [&](const StreamInfo& info) { return info.name == args.stream; });
  if (!known) {
    return BadConfig(fmt::format("there is no stream \"{}\"", args.stream),
                     "take one of: bizond stream list dummy");
  }
  BIZOND_RETURN_IF_ERROR(CheckAuthentication(config));
  const json sleep = config.value("sleep", json(0));
  if (!sleep.is_number() || sleep.get<double>() < 0 || sleep.get<double>() > 86400) {
    return BadConfig("sleep must be seconds, from 0 to 86400", "for instance sleep: 1");
  }
  std::optional<uint64_t> rows;
  if (const auto found = config.find("rows"); found != config.end()) {
    if (!found->is_number_unsigned() || found->get<uint64_t>() > kGeneratedRowsMax) {
      return BadConfig(fmt::format("rows must be an integer from 0 to {}", kGeneratedRowsMax),
                       "for instance rows: 1000");
    }
    rows = found->get<uint64_t>();
  }
  const Duration pause(static_cast<int64_t>(sleep.get<double>() * 1e6));
  return std::make_unique<DummySource>(args.stream == "plants", pause, rows, args.job.source,
                                       args.clock);
}

std::span<const StreamInfo> DummyStreams() {
  static const StreamInfo kStreams[] = {
      {"creatures", "Five animals with id, name, age and updated_at"},
      {"plants", "Five plants with id, name, age and updated_at"},
  };
  return kStreams;
}

}  // namespace bizond
