#include "destinations/scaffold.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "destinations/catalog.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameBytesMax = 40;
constexpr uint64_t kTableBytesMax = 1 << 20;

struct TemplateRow {
  std::string_view text;  // Embedded, below destinations/.
  std::string_view path;  // In the checkout.
};

constexpr TemplateRow kTemplates[] = {
    {"template/destination.h.txt", "destinations/@name@/@name@_destination.h"},
    {"template/destination.cc.txt", "destinations/@name@/@name@_destination.cc"},
    {"template/schema.json.txt", "destinations/@name@/schema.json"},
    {"template/example.yml.txt", "destinations/@name@/example.yml"},
    {"template/README.md.txt", "destinations/@name@/README.md"},
    {"template/test.cc.txt", "tests/conformance/destination_@name@_test.cc"},
};

// A table that a destination has its row in: sorted by name, a row begins with `row_start`.
struct TableRow {
  std::string_view path;
  std::string_view array;      // Its declaration ends with this and a line end.
  std::string_view row_start;  // In front of the name.
  std::string_view row;
  std::string_view head_start;  // So begin the lines above that name what rows mention,
  std::string_view head;        // and this is the new one's.
};

constexpr TableRow kTables[] = {
    {"destinations/catalog.cc", "kDestinations[] = {", "    {.name = \"",
     "    {.name = \"@name@\",\n"
     "     .summary = \"NDJSON file of its own: the form that bizond new lays out\",\n"
     "     .exactly_once = false,\n"
     "     .merge = false,\n"
     "     .open = Open@Class@Destination},\n",
     "#include \"destinations/", "#include \"destinations/@name@/@name@_destination.h\"\n"},
    {"tests/conformance/destination_fixtures.cc", "kFixtures[] = {", "    {\"",
     "    {\"@name@\", Make@Class@Fixture},\n", "DestinationFixture Make",
     "DestinationFixture Make@Class@Fixture();\n"},
};

// "my_dest" -> "MyDest"
std::string ClassOf(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

std::string UpperOf(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string Filled(std::string_view text, std::string_view name) {
  const std::pair<std::string_view, std::string> words[] = {
      {"@name@", std::string(name)}, {"@Class@", ClassOf(name)}, {"@NAME@", UpperOf(name)}};
  std::string out(text);
  for (const auto& [word, value] : words) {
    for (size_t at = out.find(word); at != std::string::npos;
         at = out.find(word, at + value.size())) {
      out.replace(at, word.size(), value);
    }
  }
  return out;
}

Status CheckName(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  const bool shaped = !name.empty() && name.size() <= kNameBytesMax && name[0] >= 'a' &&
                      name[0] <= 'z' && name.back() != '_' && name.find("__") == std::string::npos;
  if (plain && shaped) return {};
  return Fail(ErrorKind::kConfig, "bad_connector_name",
              fmt::format("'{}' cannot be the name of a connector", name.substr(0, 100)),
              fmt::format("choose 1 to {} of a-z, 0-9 and single _, beginning with a letter: "
                          "bizond new destination my_warehouse",
                          kNameBytesMax));
}

Failure Exists(std::string_view name, std::string_view what) {
  return Fail(ErrorKind::kPermanent, "connector_exists",
              fmt::format("there is a destination {} already: {}", name, what),
              "choose another name, or remove the old one first; nothing was changed");
}

Status CheckFree(const Root& root, const std::string& name) {
  for (const std::string_view kept : {"template", "templates", "catalog", "scaffold"}) {
    if (name == kept) return Exists(name, "the name is kept for the room's own files");
  }
  for (const DestinationDescriptor& row : DestinationCatalog()) {
    if (row.name == name) return Exists(name, "this binary has it");
  }
  BIZOND_ASSIGN_OR_RETURN(const auto folder, root.Stat("destinations/" + name));
  if (folder) return Exists(name, (root.path() / "destinations" / name).string());
  for (const TemplateRow& row : kTemplates) {
    const std::string path = Filled(row.path, name);
    BIZOND_ASSIGN_OR_RETURN(const auto present, root.Stat(path));
    if (present) return Exists(name, (root.path() / path).string());
  }
  return {};
}

Result<Root> FindCheckout(const fs::path& directory) {
  std::error_code problem;
  const fs::path start = fs::canonical(directory, problem);
  for (fs::path at = start; !problem && !at.empty(); at = at.parent_path()) {
    const bool whole = std::all_of(std::begin(kTables), std::end(kTables), [&](const auto& table) {
      std::error_code ignored;
      return fs::is_regular_file(at / table.path, ignored);
    });
    if (whole) return Root::Open(at);
    if (at == at.root_path()) break;
  }
  return Fail(ErrorKind::kPermanent, "not_a_checkout",
              fmt::format("{} does not lie in a source checkout of bizond: no directory above it "
                          "has {} and {}",
                          directory.string(), kTables[0].path, kTables[1].path),
              "a destination is compiled in: clone the repository, cd into it and run this again");
}

// Where the row goes: in front of the first greater name, else behind the last row.
std::optional<size_t> PlaceOfRow(std::string_view text, const TableRow& table,
                                 std::string_view name) {
  const size_t array = text.find(table.array);
  if (array == std::string_view::npos) return std::nullopt;
  const size_t end = text.find("\n};", array);
  if (end == std::string_view::npos) return std::nullopt;
  for (size_t at = text.find('\n', array) + 1; at <= end; at = text.find('\n', at) + 1) {
    const std::string_view line = text.substr(at, end + 1 - at);
    if (!line.starts_with(table.row_start)) continue;
    const std::string_view rest = line.substr(table.row_start.size());
    if (rest.substr(0, rest.find('"')) > name) return at;
  }
  return end + 1;
}

// In front of the first such line that sorts behind it, else behind the last one.
std::optional<size_t> PlaceOfHead(std::string_view text, const TableRow& table,
                                  std::string_view head) {
  std::optional<size_t> place;
  for (size_t at = text.find(table.head_start); at != std::string_view::npos;
       at = text.find(table.head_start, at + 1)) {
    const size_t end = text.find('\n', at) + 1;
    const std::string_view line = text.substr(at, end - at);
    if (line.find("destinations/catalog.h") != std::string_view::npos) continue;
    if (line > head) return at;
    place = end;
  }
  return place;
}

Result<std::string> WithRow(const fs::path& path, std::string text, const TableRow& table,
                            const std::string& name) {
  const std::string row = Filled(table.row, name);
  const std::optional<size_t> place = PlaceOfRow(text, table, name);
  const std::string head = Filled(table.head, name);
  if (place) text.insert(*place, row);  // The head stands above it.
  const std::optional<size_t> head_place = PlaceOfHead(text, table, head);
  if (!place || !head_place) {
    return Fail(ErrorKind::kPermanent, "not_a_checkout",
                fmt::format("{} has no table that a row can be added to", path.string()),
                fmt::format("add it by hand, and run this again in a checkout of the version that "
                            "this binary was built from; the row is:\n{}",
                            row));
  }
  text.insert(*head_place, head);
  return text;
}

struct NewFile {
  std::string path;
  std::string text;
};

Result<std::vector<NewFile>> FilesOf(const std::string& name) {
  std::vector<NewFile> files;
  for (const TemplateRow& row : kTemplates) {
    const auto all = DestinationFiles();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& file) { return file.path == row.text; });
    if (found == all.end()) throw std::logic_error("a template is not embedded");
    files.push_back({Filled(row.path, name), Filled(found->bytes, name)});
  }
  return files;
}

Status Create(const Root& root, const NewFile& file) {
  BIZOND_RETURN_IF_ERROR(root.MakeDirectories(fs::path(file.path).parent_path().string()));
  BIZOND_ASSIGN_OR_RETURN(File out, root.OpenFile(file.path, OpenMode::kExclusive));
  return out.WriteAll(file.text);
}

Status ScaffoldDestination(const Root& root, const std::string& name) {
  BIZOND_RETURN_IF_ERROR(CheckName(name));
  BIZOND_RETURN_IF_ERROR(CheckFree(root, name));
  std::vector<NewFile> tables;
  std::vector<NewFile> before;
  for (const TableRow& table : kTables) {
    BIZOND_ASSIGN_OR_RETURN(std::string old,
                            ReadWholeFile(root.path() / table.path, kTableBytesMax));
    BIZOND_ASSIGN_OR_RETURN(std::string text, WithRow(root.path() / table.path, old, table, name));
    before.push_back({std::string(table.path), std::move(old)});
    tables.push_back({std::string(table.path), std::move(text)});
  }
  BIZOND_ASSIGN_OR_RETURN(const std::vector<NewFile> files, FilesOf(name));
  Status done;
  for (size_t i = 0; done && i < files.size(); ++i) done = Create(root, files[i]);
  // The tables come last: a checkout that is half laid out still builds.
  for (size_t i = 0; done && i < tables.size(); ++i) {
    done = ReplaceFileDurably(root, tables[i].path, tables[i].text);
  }
  if (done) return done;
  for (const NewFile& table : before) (void)ReplaceFileDurably(root, table.path, table.text);
  for (const NewFile& file : files) (void)root.Remove(file.path);
  std::error_code ignored;
  fs::remove(root.path() / "destinations" / name, ignored);  // Only when it is empty.
  return done;
}

}  // namespace

Status ScaffoldConnectorFrom(const fs::path& directory, const std::string& kind,
                             const std::string& name) {
  if (kind != "destination") {
    return Fail(ErrorKind::kConfig, "unknown_kind",
                fmt::format("bizond new lays out destinations, and '{}' is something else",
                            kind.substr(0, 100)),
                "bizond new destination NAME; a source is written by hand from sync/source.h and "
                "the folder of another one under sources/");
  }
  BIZOND_ASSIGN_OR_RETURN(const Root root, FindCheckout(directory));
  return ScaffoldDestination(root, name);
}

Status ScaffoldConnector(const std::string& kind, const std::string& name) {
  std::error_code problem;
  const fs::path here = fs::current_path(problem);
  return ScaffoldConnectorFrom(problem ? fs::path(".") : here, kind, name);
}

}  // namespace bizond
