// The two catalogues against the tree: a folder is a row, a row has its files and its fixture, and
// an example job is a job.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "destinations/catalog.h"
#include "sources/catalog.h"
#include "sync/job_parser.h"
#include "sync/secret_names.h"
#include "tests/conformance/destination_fixtures.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Catalog Whole() {
  return {.sources = SourceCatalog(),
          .destinations = DestinationCatalog(),
          .source_files = SourceFiles(),
          .destination_files = DestinationFiles()};
}

std::set<std::string> FoldersOf(const fs::path& room) {
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(room)) {
#ifdef BIZOND_NO_GRPC
    if (entry.path().filename() == "bigquery_streaming_v2") continue;
#endif
    // Without a schema it is what connectors share.
    if (fs::exists(entry.path() / "schema.json")) folders.insert(entry.path().filename());
  }
  return folders;
}

template <typename Rows>
std::set<std::string> NamesOf(const Rows& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.emplace(row.name);
  return names;
}

TEST(Catalog, FoldersAndRowsAreTheSame) {
  const fs::path root = BIZOND_SOURCE_DIR;
  EXPECT_EQ(NamesOf(SourceCatalog()), FoldersOf(root / "sources"));
  EXPECT_EQ(NamesOf(DestinationCatalog()), FoldersOf(root / "destinations"));
}

TEST(Catalog, EveryDestinationHasAFixture) {
  EXPECT_EQ(NamesOf(DestinationFixtures()), NamesOf(DestinationCatalog()))
      << "add it to tests/conformance/destination_fixtures.cc";
}

TEST(Catalog, EveryRowSaysWhatItIs) {
  const Catalog catalog = Whole();
  for (const SourceDescriptor& row : catalog.sources) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_FALSE(catalog.SourceFile(row.name, "schema.json").empty()) << row.name;
    EXPECT_FALSE(catalog.SourceFile(row.name, "example.yml").empty()) << row.name;
  }
  for (const DestinationDescriptor& row : catalog.destinations) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_FALSE(catalog.DestinationFile(row.name, "schema.json").empty()) << row.name;
    EXPECT_FALSE(catalog.DestinationFile(row.name, "example.yml").empty()) << row.name;
  }
}

// A text under a secret's name that is not marked as one would be stored and shown.
void ExpectSecretsMarked(const json& schema, const std::string& where) {
  if (!schema.is_object()) return;
  for (const auto& [key, value] : schema.items()) {
    if (key == "properties" && value.is_object()) {
      for (const auto& [name, property] : value.items()) {
        const bool holds = property.is_object() && property.value("type", json()) != "object";
        if (holds && IsSecretName(name)) {
          EXPECT_TRUE(property.value("writeOnly", false)) << where << ": " << name;
        }
        ExpectSecretsMarked(property, where + "." + name);
      }
    } else {
      ExpectSecretsMarked(value, where);
    }
  }
}

// Sources share the authentication of sync/job.schema.json, which has its own tests.
TEST(Catalog, SecretsOfDestinationsAreMarked) {
  const Catalog catalog = Whole();
  for (const DestinationDescriptor& row : catalog.destinations) {
    ExpectSecretsMarked(json::parse(catalog.DestinationFile(row.name, "schema.json")),
                        std::string(row.name));
  }
}

// From the tree, so that an example that is not embedded is read as well.
TEST(Catalog, EveryExampleIsAJob) {
  const Catalog catalog = Whole();
  int examples = 0;
  for (const char* room : {"sources", "destinations"}) {
    for (const std::string& folder : FoldersOf(fs::path(BIZOND_SOURCE_DIR) / room)) {
      for (const auto& entry :
           fs::directory_iterator(fs::path(BIZOND_SOURCE_DIR) / room / folder)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("example") || entry.path().extension() != ".yml") continue;
        std::ifstream in(entry.path());
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        const ParsedJob job = ParseJob(text, catalog, JobOrigin::kFile);
        for (const JobIssue& issue : job.errors) {
          ADD_FAILURE() << entry.path() << ":" << issue.line << ": " << issue.path << ": "
                        << issue.message;
        }
        ASSERT_TRUE(job.spec) << entry.path();
        const std::string& user = std::string_view(room) == "sources" ? job.spec->source.name
                                                                      : job.spec->destination.name;
        EXPECT_EQ(user, folder) << entry.path() << " shows another connector";
        ++examples;
      }
    }
  }
  EXPECT_GE(static_cast<size_t>(examples), SourceCatalog().size() + DestinationCatalog().size());
}

TEST(Catalog, AFullRefreshOfADestinationThatOnlyAddsIsWarnedOf) {
  const ParsedJob job = ParseJob(
      "name: n\n"
      "source: {name: dummy, stream: creatures, authentication: {type: api_key, params: {token: "
      "t}}}"
      "\ndestination: {name: bigquery_streaming, config: {project_id: p, dataset_id: d}}\n",
      Whole(), JobOrigin::kFile);
  ASSERT_TRUE(job.spec) << job.errors.at(0).message;
  bool warned = false;
  for (const JobIssue& issue : job.warnings) {
    warned = warned || (issue.path == "destination.name" &&
                        issue.message.find("only adds rows") != std::string::npos);
  }
  EXPECT_TRUE(warned);
}

}  // namespace
}  // namespace bizond
