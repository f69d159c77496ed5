#include "config/node.hpp"

namespace gh::config {

Node Node::scalar(std::string text, bool quoted, Position at) {
    Node node;
    node.kind_ = Kind::scalar;
    node.text_ = std::move(text);
    node.quoted_ = quoted;
    node.at_ = at;
    return node;
}

Node Node::null(Position at) {
    Node node;
    node.at_ = at;
    return node;
}

Node Node::sequence(Position at) {
    Node node;
    node.kind_ = Kind::sequence;
    node.at_ = at;
    return node;
}

Node Node::map(Position at) {
    Node node;
    node.kind_ = Kind::map;
    node.at_ = at;
    return node;
}

const Node* Node::find(std::string_view name) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i].name == name) return &children_[i];
    }
    return nullptr;
}

void Node::put(Key key, Node child) {
    keys_.push_back(std::move(key));
    children_.push_back(std::move(child));
}

std::string_view name_of(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::null: return "nothing";
        case Node::Kind::scalar: return "a single value";
        case Node::Kind::sequence: return "a list";
        case Node::Kind::map: return "a map";
    }
    return "nothing";
}

}  // namespace gh::config
