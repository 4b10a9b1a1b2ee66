#include "sync/watermark.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include <Poco/Base64Decoder.h>
#include <Poco/Base64Encoder.h>
#include <Poco/StreamCopier.h>

#include "sync/run_state.h"

namespace bizond {
namespace {

using nlohmann::json;

std::string ToBase64(const std::string& bytes) {
  std::ostringstream out;
  Poco::Base64Encoder encoder(out);
  encoder.rdbuf()->setLineLength(0);
  encoder << bytes;
  encoder.close();
  return out.str();
}

// Throws Poco::DataFormatException.
std::string FromBase64(const std::string& text) {
  std::istringstream in(text);
  Poco::Base64Decoder decoder(in);
  std::string out;
  Poco::StreamCopier::copyToString(decoder, out);
  return out;
}

Failure Bad(std::string_view code, std::string_view what, std::string_view why) {
  return Fail(ErrorKind::kPermanent, code,
              "the stored " + std::string(what) + " does not read: " + std::string(why),
              "it was written by a newer bizond or was damaged: use the newer binary, restore a "
              "backup, or reset the job");
}

struct CounterField {
  const char* name;
  uint64_t Counters::* member;
};
constexpr CounterField kCounterFields[] = {{"rows_read", &Counters::rows_read},
                                           {"rows_written", &Counters::rows_written},
                                           {"rows_rejected", &Counters::rows_rejected},
                                           {"rows_deduplicated", &Counters::rows_deduplicated},
                                           {"rows_filtered", &Counters::rows_filtered},
                                           {"bytes_written", &Counters::bytes_written}};

struct TextField {
  const char* name;
  std::string Checkpoint::* member;
};
constexpr TextField kTextFields[] = {{"mode", &Checkpoint::mode},
                                     {"pagination", &Checkpoint::pagination},
                                     {"upper_bound", &Checkpoint::upper_bound},
                                     {"position", &Checkpoint::position},
                                     {"mark", &Checkpoint::mark},
                                     {"intent", &Checkpoint::intent}};

}  // namespace

std::string EncodeWatermark(const Watermark& watermark) {
  json value = {{"format", watermark.format},
                {"cursor", watermark.cursor},
                {"cursor_type", watermark.cursor_type},
                {"position", watermark.position},
                {"boundary", ToBase64(watermark.boundary)},
                {"resume", watermark.resume}};
  if (watermark.window) value["window_us"] = watermark.window->count();
  if (!watermark.chunks.empty()) value["chunks"] = watermark.chunks;
  return value.dump();
}

Result<Watermark> DecodeWatermark(std::string_view text) {
  try {
    const json value = json::parse(text);
    Watermark watermark;
    watermark.format = value.at("format");
    if (watermark.format != Watermark::kFormat) {
      return Bad("bad_watermark", "watermark",
                 "unknown format " + std::to_string(watermark.format));
    }
    watermark.cursor = value.at("cursor");
    watermark.cursor_type = value.at("cursor_type");
    watermark.position = value.at("position");
    watermark.boundary = FromBase64(value.at("boundary"));
    watermark.resume = value.at("resume");
    if (value.contains("window_us")) {
      watermark.window = Duration(value["window_us"].get<int64_t>());
    }
    if (value.contains("chunks")) value["chunks"].get_to(watermark.chunks);
    return watermark;
  } catch (const std::exception& error) {
    return Bad("bad_watermark", "watermark", error.what());
  }
}

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  json value = {{"format", checkpoint.format},
                {"iterations", checkpoint.iterations},
                {"exhausted", checkpoint.exhausted},
                {"rejects_bytes", checkpoint.rejects_bytes},
                {"cursor_progress", ToBase64(checkpoint.cursor_progress)}};
  if (!checkpoint.chunks.empty()) value["chunks"] = checkpoint.chunks;
  if (!checkpoint.verdict.empty()) value["verdict"] = checkpoint.verdict;
  for (const TextField& field : kTextFields) value[field.name] = checkpoint.*field.member;
  for (const CounterField& field : kCounterFields) {
    value["counters"][field.name] = checkpoint.counters.*field.member;
  }
  return value.dump();
}

Result<Checkpoint> DecodeCheckpoint(std::string_view text) {
  try {
    const json value = json::parse(text);
    Checkpoint checkpoint;
    checkpoint.format = value.at("format");
    if (checkpoint.format != Checkpoint::kFormat) {
      return Bad("bad_checkpoint", "checkpoint",
                 "unknown format " + std::to_string(checkpoint.format));
    }
    checkpoint.iterations = value.at("iterations");
    checkpoint.exhausted = value.at("exhausted");
    checkpoint.rejects_bytes = value.at("rejects_bytes");
    checkpoint.cursor_progress = FromBase64(value.at("cursor_progress"));
    if (value.contains("chunks")) value["chunks"].get_to(checkpoint.chunks);
    checkpoint.verdict = value.value("verdict", "");
    for (const TextField& field : kTextFields) checkpoint.*field.member = value.at(field.name);
    for (const CounterField& field : kCounterFields) {
      checkpoint.counters.*field.member = value.at("counters").at(field.name);
    }
    return checkpoint;
  } catch (const std::exception& error) {
    return Bad("bad_checkpoint", "checkpoint", error.what());
  }
}

Counters& Counters::operator+=(const Counters& other) {
  for (const CounterField& field : kCounterFields) this->*field.member += other.*field.member;
  return *this;
}

std::string_view StageName(Stage stage) {
  constexpr std::string_view kNames[] = {"open", "read", "verify", "publish", "record"};
  return kNames[static_cast<size_t>(stage)];
}

}  // namespace bizond
