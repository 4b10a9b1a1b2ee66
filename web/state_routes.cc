// The state of a job: watermarks, positions and checkpoints by stream, read and set.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/identity.h"
#include "web/job_json.h"
#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

constexpr size_t kStateStreamsMax = 10'000;
constexpr size_t kStateCursorBytesMax = 4'096;
constexpr size_t kStatePositionBytesMax = 1 << 20;

// `where` is the path of what is wrong: "streams[0].watermark.cursor".
Failure BadState(const std::string& where, const std::string& message) {
  return Fail(ErrorKind::kConfig, "invalid_body", where + ": " + message,
              "send back what GET gave, with the cursors changed");
}

Status OnlyMembers(const json& object, const std::string& where,
                   std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return BadState(where + "." + key.substr(0, 60), "there is no such member");
    }
  }
  return {};
}

bool IsNumberToken(const std::string& text) {
  const auto ends_in_space = [&] { return text.front() <= ' ' || text.back() <= ' '; };
  return !text.empty() && !ends_in_space() && json::parse(text, nullptr, false).is_number();
}

// The JSON token of a cursor that the API shows as text.
Result<std::string> CursorToken(const json& watermark, const std::string& where) {
  BIZOND_RETURN_IF_ERROR(OnlyMembers(watermark, where, {"cursor", "cursor_type"}));
  const json cursor = watermark.value("cursor", json());
  const json type = watermark.value("cursor_type", json());
  if (!cursor.is_string()) return BadState(where + ".cursor", "a cursor is a text, a number's too");
  auto text = cursor.get<std::string>();
  if (text.size() > kStateCursorBytesMax) {
    return BadState(where + ".cursor", fmt::format("longer than {} bytes", kStateCursorBytesMax));
  }
  if (type == "timestamp") {
    if (const auto time = ParseUtc(text); !time) {
      return BadState(where + ".cursor", time.error().message);
    }
    return cursor.dump();
  }
  if (type == "text") return cursor.dump();
  if (type != "number") {
    return BadState(where + ".cursor_type", "it is number, timestamp or text");
  }
  if (!IsNumberToken(text)) {
    return BadState(where + ".cursor", "\"" + text.substr(0, 60) + "\" is not a number");
  }
  return text;
}

// What the stream's state becomes. What was published at exactly the watermark's cursor, and the
// place where a run that max_iterations ended goes on from, stay known while the cursor stays.
Result<std::optional<Watermark>> WatermarkOf(const json& stream, const std::string& where,
                                             const std::optional<Watermark>& before) {
  const json watermark = stream.value("watermark", json());
  const json position = stream.value("position", json());
  Watermark result;
  if (!watermark.is_null()) {
    if (!watermark.is_object()) return BadState(where + ".watermark", "it is an object or null");
    BIZOND_ASSIGN_OR_RETURN(result.cursor, CursorToken(watermark, where + ".watermark"));
    result.cursor_type = watermark["cursor_type"].get<std::string>();
  }
  if (!position.is_null()) {
    result.position = position.dump();
    if (result.position.size() > kStatePositionBytesMax) {
      return BadState(where + ".position",
                      fmt::format("longer than {} bytes", kStatePositionBytesMax));
    }
  }
  const json resumes = stream.value("resumes", json());
  if (!resumes.is_null() && !resumes.is_boolean()) {
    return BadState(where + ".resumes", "it is true or false");
  }
  const bool same =
      before && before->cursor == result.cursor && before->cursor_type == result.cursor_type;
  if (same) {
    const std::string new_position = std::move(result.position);
    result = *before;
    const bool moved =
        json::parse(before->position, nullptr, false) != json::parse(new_position, nullptr, false);
    if (moved) result.position = new_position;
    // The chunks that only `resume` names go with the next watermark.
    if (resumes == false) result.resume.clear();
  } else if (resumes == true) {
    return BadState(where + ".resumes", "a run goes on only from the cursor that it began at");
  }
  if (result.cursor.empty() && result.position.empty() && result.resume.empty()) {
    return std::nullopt;
  }
  return result;
}

std::string StateTag(const std::vector<StreamStateRow>& rows) {
  StreamingHash hash;
  for (const StreamStateRow& row : rows) {
    hash.Update(json(row.stream).dump(-1, ' ', false, json::error_handler_t::replace));
    if (row.watermark) hash.Update(EncodeWatermark(*row.watermark));
    hash.Update(FormatUtc(row.updated_at));
  }
  return "\"s" + HexOf(hash.Digest()) + "\"";
}

Result<WebResponse> StateAnswer(const WebParts& parts, const std::string& name) {
  std::string tag;
  const auto query = [&](const StoreReader& reader) -> Result<json> {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, reader.GetJob(name));
    if (!job) {
      return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + name,
                  "bizond jobs list");
    }
    BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> rows, reader.StreamStates(name));
    tag = StateTag(rows);
    return StateJson(reader, name);
  };
  BIZOND_ASSIGN_OR_RETURN(const json state, parts.store->Query(query));
  WebResponse response = JsonResponse(state);
  response.headers.emplace_back("ETag", tag);
  return response;
}

// Every stream's new state, all read before the first is written.
Result<std::vector<StreamWatermark>> WantedStates(const json& streams,
                                                  const std::vector<StreamStateRow>& rows) {
  std::vector<StreamWatermark> wanted;
  std::set<std::string> seen;
  for (size_t i = 0; i < streams.size(); ++i) {
    const json& stream = streams[i];
    const std::string where = fmt::format("streams[{}]", i);
    if (!stream.is_object()) return BadState(where, "it is an object");
    BIZOND_RETURN_IF_ERROR(OnlyMembers(
        stream, where, {"stream", "watermark", "position", "resumes", "updated_at", "checkpoint"}));
    const json name = stream.value("stream", json());
    if (!name.is_string()) return BadState(where + ".stream", "it is the name of a stream");
    StreamWatermark next{name.get<std::string>(), std::nullopt};
    if (!seen.insert(next.stream).second) {
      return BadState(where + ".stream", "\"" + next.stream.substr(0, 60) + "\" is there twice");
    }
    std::optional<Watermark> before;
    for (const StreamStateRow& row : rows) {
      if (row.stream == next.stream) before = row.watermark;
    }
    BIZOND_ASSIGN_OR_RETURN(next.watermark, WatermarkOf(stream, where, before));
    wanted.push_back(std::move(next));
  }
  return wanted;
}

}  // namespace

Result<WebResponse> GetState(const WebParts& parts, const WebRequest& request) {
  return StateAnswer(parts, request.names.at(0));
}

Result<WebResponse> PutState(const WebParts& parts, const WebRequest& request) {
  const std::string& name = request.names.at(0);
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {"streams"}));
  const json streams = body.value("streams", json());
  if (!streams.is_array()) return BadState("streams", "it is a list");
  if (streams.size() > kStateStreamsMax) {
    return BadState("streams", fmt::format("more than {}", kStateStreamsMax));
  }
  const std::string* const match = request.Header("If-Match");
  const auto change =
      [&](const std::vector<StreamStateRow>& rows) -> Result<std::vector<StreamWatermark>> {
    if (match != nullptr && *match != "*" && *match != StateTag(rows)) {
      return Fail(ErrorKind::kConfig, "precondition_failed",
                  "the state has changed since it was read", "read it again");
    }
    return WantedStates(streams, rows);
  };
  BIZOND_RETURN_IF_ERROR(parts.jobs->ChangeState(name, change));
  return StateAnswer(parts, name);
}

}  // namespace bizond::handlers
