#include "directory/read.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "support/source_dir.hpp"

namespace alphorn::directory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string id(const std::string& localpart) { return "@" + localpart + ":acme.example"; }

Directory sample() {
  Reading reading = read_file(source_dir() + "/provisioner/samples/acme.yaml");
  EXPECT_THAT(reading.problems, IsEmpty());
  return std::move(reading.directory);
}

const Room& room(const Directory& directory, const std::string& key) {
  const auto found = std::find_if(directory.rooms.begin(), directory.rooms.end(),
                                  [&](const Room& one) { return one.key == key; });
  EXPECT_NE(found, directory.rooms.end()) << key;
  return *found;
}

const Person& person(const Directory& directory, const std::string& localpart) {
  const auto found = std::find_if(directory.people.begin(), directory.people.end(),
                                  [&](const Person& one) { return one.user_id == id(localpart); });
  EXPECT_NE(found, directory.people.end()) << localpart;
  return *found;
}

TEST(Sample, NamesBecomeLocalparts) {
  EXPECT_EQ(person(sample(), "francois.favre").display_name, "François Favre");
  EXPECT_EQ(person(sample(), "anna.mueller").language, "de");
}

TEST(Sample, OfTheClustersResourceIsADocumentAsWell) {
  const Reading reading = read_file(source_dir() + "/crds/samples/directory.yaml");
  EXPECT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(reading.directory.people.size(), 2U);
}

TEST(Sample, AGroupIsWhoseColumnSaysSo) {
  EXPECT_THAT(room(sample(), "engineering").members,
              UnorderedElementsAre(id("anna.mueller"), id("chloe.dubois"), id("davide.rossi"),
                                   id("francois.favre")));
}

TEST(Sample, ARoomHasTheMembersOfItsSpace) {
  const Directory directory = sample();
  EXPECT_EQ(room(directory, "offers").members, room(directory, "sales").members);
}

TEST(Sample, TheGuestsTreeHoldsNobodyWhoIsNotNamed) {
  EXPECT_THAT(room(sample(), "supplier-orders").members,
              UnorderedElementsAre(id("beat.keller"), id("carla")));
  EXPECT_TRUE(room(sample(), "supplier-orders").is_for_guests);
}

TEST(Sample, AParentStandsBeforeItsChildren) {
  std::vector<std::string> before{""};
  for (const Room& one : sample().rooms) {
    EXPECT_THAT(before, testing::Contains(one.parent)) << one.key;
    before.push_back(one.key);
  }
}

TEST(Sample, RoomsAreEncryptedAndRestrictedUnlessTheySayOtherwise) {
  const Directory directory = sample();
  EXPECT_TRUE(room(directory, "lounge").encrypted);
  EXPECT_EQ(room(directory, "lounge").join_rule, JoinRule::restricted);
  EXPECT_EQ(room(directory, "acme").join_rule, JoinRule::invite);
}

TEST(Document, ARuleMayCallAColumnAsTheTableDoes) {
  for (const char* column : {"Abteilung", "department", "service"}) {
    const Reading reading = read("d.yaml", std::string(R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  employees: {csv: staff.csv}
  groups: [{name: tech, where: {)") + column + R"(: technik}}]
  spaces: [{key: house, members: [tech]}]
)",
                                 [](const std::string&) {
                                   return "Benutzer;Abteilung\nanna;Technik\nbeat;Verkauf\n";
                                 });
    ASSERT_THAT(reading.problems, IsEmpty()) << column;
    EXPECT_THAT(reading.directory.rooms[0].members, ElementsAre(id("anna"))) << column;
  }
}

TEST(Document, SpacesMayBeListedFlat) {
  const Reading reading = read("d.yaml", R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  employees: {people: [{localpart: anna}, {localpart: beat}]}
  rooms: [{key: attic, parent: house}]
  spaces: [{key: house, members: [anna]}]
)",
                               [](const std::string&) { return std::nullopt; });
  ASSERT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(reading.directory.rooms[0].key, "house");
  EXPECT_THAT(reading.directory.rooms[1].members, ElementsAre(id("anna")));
}

TEST(Document, AFlatListInheritsAsANestedOneDoes) {
  const std::string head = R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  employees: {people: [{localpart: anna}, {localpart: beat}, {localpart: dora}]}
  guests: [{localpart: carla}]
)";
  const auto nothing = [](const std::string&) { return std::nullopt; };
  const Reading nested = read("d.yaml", head + R"(
  spaces:
  - key: house
    administrators: [anna]
    deputies: [beat]
    members: [anna, beat]
    spaces: [{key: floor, spaces: [{key: corner, rooms: [{key: desk}]}]}]
  - key: outside
    reserved: true
    administrators: [dora]
    members: [carla]
    spaces: [{key: orders, rooms: [{key: order-1}]}]
)",
                              nothing);
  // In no order at all, children before their parents among them.
  const Reading flat = read("d.yaml", head + R"(
  rooms: [{key: desk, parent: corner}, {key: order-1, parent: orders}]
  spaces:
  - {key: corner, parent: floor}
  - {key: orders, parent: outside}
  - {key: floor, parent: house}
  - {key: outside, reserved: true, administrators: [dora], members: [carla]}
  - {key: house, administrators: [anna], deputies: [beat], members: [anna, beat]}
)",
                            nothing);
  ASSERT_THAT(nested.problems, IsEmpty());
  ASSERT_THAT(flat.problems, IsEmpty());
  ASSERT_EQ(flat.directory.rooms.size(), 7U);
  for (const Room& one : flat.directory.rooms) {
    Room same = room(nested.directory, one.key);
    same.place = one.place;
    EXPECT_EQ(one, same) << one.key;
  }
  EXPECT_THAT(room(flat.directory, "order-1").members,
              UnorderedElementsAre(id("carla"), id("dora")));
  EXPECT_TRUE(room(flat.directory, "order-1").is_for_guests);
  EXPECT_EQ(room(flat.directory, "desk").power_users.at(id("anna")), 100);
}

TEST(Document, AtTheTopNobodyJoinsByASpace) {
  const Reading reading = read("d.yaml", R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  employees: {people: [{localpart: anna}]}
  rooms: [{key: hall, joinRule: knock_restricted}, {key: yard, joinRule: restricted}]
)",
                               [](const std::string&) { return std::nullopt; });
  ASSERT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(room(reading.directory, "hall").join_rule, JoinRule::knock);
  EXPECT_EQ(room(reading.directory, "yard").join_rule, JoinRule::invite);
}

TEST(Document, FiveThousandPeopleAreRead) {
  std::string table = "user name,last name,department\n";
  for (int number = 0; number < 5000; ++number) {
    const std::string text = std::to_string(number);
    table += "p" + text + ",Name " + text + ",D" + std::to_string(number % 50) + "\n";
  }
  const Reading reading = read("d.yaml", R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  employees: {csv: staff.csv}
  spaces: [{key: house}]
)",
                               [&](const std::string&) { return table; });
  EXPECT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(reading.directory.rooms[0].members.size(), 5000U);
}

TEST(Document, SaysWhereTheAccountsAreKept) {
  const Reading reading = read("directory.yaml", R"(
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
spec:
  serverName: acme.example
  homeserver:
    authenticationService: {url: "http://127.0.0.1:8081", clientSecretFile: mas.secret}
  employees: {people: [{localpart: anna, displayName: Anna}]}
)",
                               [](const std::string&) { return std::nullopt; });
  EXPECT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(
      reading.directory.homeserver.authentication_service,
      (AuthenticationService{
          .url = "http://127.0.0.1:8081", .client_id = "", .client_secret_file = "mas.secret"}));
}

}  // namespace
}  // namespace alphorn::directory
