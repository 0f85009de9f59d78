#include <filesystem>
#include <fstream>
#include <iostream>

#include "commands/commands.hpp"
#include "sheets/bundle.hpp"

namespace alphorn::commands {
namespace {

struct OpenOptions {
  std::string source;
  std::string identity;
  std::string target;
};

void add_open(CLI::App& sheets) {
  auto options = std::make_shared<OpenOptions>();
  CLI::App* open =
      sheets.add_subcommand("open", "Open sealed sheets with the private key that age-keygen made");
  open->add_option("source", options->source, "Folder of the run, or one credentials-*.tar.age")
      ->required();
  open->add_option("-i,--identity", options->identity, "File with the private key")->required();
  open->add_option("-o,--output", options->target, "New folder for the sheets")->required();
  open->callback([options] {
    const sheets::Opened opened =
        sheets::open_parts(options->source, options->identity, options->target);
    std::cout << opened.people << " sheets out of " << opened.parts << " sealed parts are in "
              << options->target << ". Print them, hand them out, and delete the folder.\n";
  });
}

void add_preview(CLI::App& sheets) {
  auto sheet =
      std::make_shared<sheets::Sheet>(sheets::Sheet{.display_name = "Anna Müller",
                                                    .user_id = "@anna.mueller:acme.example",
                                                    .password = Secret("tHisIsNoPassword"),
                                                    .language = "en",
                                                    .company = "Acme SA",
                                                    .web_url = "https://chat.acme.example"});
  auto file = std::make_shared<std::string>();
  CLI::App* preview =
      sheets.add_subcommand("preview", "Write a welcome sheet of somebody who does not exist");
  preview->add_option("--language", sheet->language, "en, fr, de or it")
      ->check(CLI::IsMember({"en", "fr", "de", "it"}))
      ->capture_default_str();
  preview->add_option("--name", sheet->display_name, "Of whom")->capture_default_str();
  preview->add_option("--company", sheet->company, "Name on the sheet")->capture_default_str();
  preview->add_option("--web", sheet->web_url, "Address of the web client")->capture_default_str();
  preview->add_option("-o,--output", *file, "PDF to write")->required();
  preview->callback([sheet, file] {
    std::ofstream out{*file, std::ios::binary | std::ios::trunc};
    out << sheets::pdf_of(*sheet).reveal();
    if (!out.flush()) throw std::runtime_error(*file + " cannot be written");
  });
}

}  // namespace

void add_sheets_command(CLI::App& app) {
  CLI::App* sheets = app.add_subcommand("sheets", "Welcome sheets with first passwords");
  sheets->require_subcommand(1);
  add_open(*sheets);
  add_preview(*sheets);
}

}  // namespace alphorn::commands
