//! The filter language: a subset of OPTIMADE's, extended by `IN` and `BETWEEN` for sets and ranges.
//!
//! ```text
//! expression = and { OR and }          and = not { AND not }         not = [ NOT ] test
//! test = ( expression )
//!      | field ( = | != | < | <= | > | >= ) value
//!      | field [ NOT ] IN ( value, … )
//!      | field [ NOT ] BETWEEN value AND value
//!      | field IS KNOWN | field IS UNKNOWN
//!      | elements HAS value | elements HAS ( ALL | ANY | ONLY ) value, …
//! value = number | "text" | word
//! ```
//!
//! Keywords are case-insensitive, symbols of elements are not. A field of text is compared with a number as it is
//! written: `007` is not `7`. A comparison with an unknown value is neither true nor false. An entry is kept only if the
//! whole expression is true.

use super::quoted;

/// An error of parsing a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter '{text}': {problem} at character {position}")]
pub struct ParseError {
    /// The filter, shortened if it is long.
    pub text: String,
    /// Character position of the error, counted from 1.
    pub position: usize,
    /// What is wrong, and what is expected.
    pub problem: String,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A test of the set of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// All of the given elements occur.
    All,
    /// At least one of the given elements occurs.
    Any,
    /// No other elements occur.
    Only,
}

/// A constant in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, and the word that it is written as.
    Number(f64, String),
    /// A text, quoted or as a bare word.
    Text(String),
}

/// The syntax tree of a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Conjunction of at least two nodes.
    And(Vec<Node>),
    /// Disjunction of at least two nodes.
    Or(Vec<Node>),
    /// Negation.
    Not(Box<Node>),
    /// Comparison of a field with a constant.
    Compare(String, Comparison, Value),
    /// Membership of a field in a set.
    In(String, Vec<Value>),
    /// A field in a range that includes both bounds.
    Between(String, Value, Value),
    /// Whether a field has a value.
    Known(String),
    /// A test of the elements of the crystal.
    Elements(Has, Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    /// A number, and the word that it is written as.
    Number(f64, String),
    Symbol(&'static str),
}

/// Deepest nesting of parentheses and NOT.
const MAX_DEPTH: usize = 64;

const SYMBOLS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];

/// Parses a filter.
///
/// # Errors
/// Returns a [`ParseError`] with the position of the error.
pub(super) fn parse(text: &str) -> Result<Node, ParseError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0 };
    let node = parser.or()?;
    match parser.tokens.get(parser.next) {
        None => Ok(node),
        Some(_) => Err(parser.fault("AND, OR or the end is expected")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let fault = |problem: String| {
            let position = text[..start].chars().count() + 1;
            Err(ParseError { text: quoted(text), position, problem })
        };
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let length;
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            tokens.push((start, Token::Symbol(symbol)));
            length = symbol.len();
        } else if first == '"' {
            let Some(end) = rest[1..].find('"') else {
                return fault("a text without its closing quote".to_owned());
            };
            tokens.push((start, Token::Quoted(rest[1..=end].to_owned())));
            length = end + 2;
        } else {
            let is_part = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
            length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if length == 0 {
                return fault(format!("unexpected '{first}'"));
            }
            let word = &rest[..length];
            // `nan` and `inf` are words, because no measured value is either.
            let number = word.parse().ok().filter(|number: &f64| number.is_finite());
            let word = word.to_owned();
            let token = match number {
                Some(number) => Token::Number(number, word),
                None => Token::Word(word),
            };
            tokens.push((start, token));
        }
        rest = &rest[length..];
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn fault(&self, problem: &str) -> ParseError {
        let bytes = self.tokens.get(self.next).map_or(self.text.len(), |(start, _)| *start);
        let position = self.text[..bytes].chars().count() + 1;
        ParseError { text: quoted(self.text), position, problem: problem.to_owned() }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.fault(&format!("'{symbol}' is expected"))) }
    }

    fn or(&mut self) -> Result<Node, ParseError> {
        self.chain("OR", Self::and, Node::Or)
    }

    fn and(&mut self) -> Result<Node, ParseError> {
        self.chain("AND", Self::not, Node::And)
    }

    /// Parses one part, or several separated by a keyword. The result is flat, so that a long chain is not a deep
    /// tree.
    fn chain(
        &mut self,
        keyword: &str,
        part: impl Fn(&mut Self) -> Result<Node, ParseError>,
        join: impl Fn(Vec<Node>) -> Node,
    ) -> Result<Node, ParseError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.keyword(keyword) {
            parts.push(part(self)?);
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                parts.extend(last);
                Ok(join(parts))
            }
        }
    }

    fn not(&mut self) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("the expression is nested too deeply"));
        }
        let node = if self.keyword("NOT") {
            Node::Not(Box::new(self.not()?))
        } else if self.symbol("(") {
            let node = self.or()?;
            self.expect_symbol(")")?;
            node
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn test(&mut self) -> Result<Node, ParseError> {
        let Some(Token::Word(field)) = self.peek().cloned() else {
            return Err(self.fault("a field is expected"));
        };
        self.next += 1;
        let operators = [
            ("=", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (symbol, comparison) in operators {
            if self.symbol(symbol) {
                return Ok(Node::Compare(field, comparison, self.value()?));
            }
        }
        if self.keyword("HAS") {
            return self.has(&field);
        }
        if self.keyword("IS") {
            return match (self.keyword("KNOWN"), self.keyword("UNKNOWN")) {
                (true, _) => Ok(Node::Known(field)),
                (_, true) => Ok(Node::Not(Box::new(Node::Known(field)))),
                _ => Err(self.fault("KNOWN or UNKNOWN is expected")),
            };
        }
        let negated = self.keyword("NOT");
        let node = if self.keyword("IN") {
            self.expect_symbol("(")?;
            let values = self.list(Self::value)?;
            self.expect_symbol(")")?;
            Node::In(field, values)
        } else if self.keyword("BETWEEN") {
            let low = self.value()?;
            if !self.keyword("AND") {
                return Err(self.fault("AND is expected"));
            }
            Node::Between(field, low, self.value()?)
        } else {
            return Err(self.fault("an operator (=, !=, <, <=, >, >=, IN, BETWEEN, IS, HAS) is expected"));
        };
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn has(&mut self, field: &str) -> Result<Node, ParseError> {
        if field != "elements" {
            return Err(self.fault("HAS is for 'elements' only"));
        }
        let has = match () {
            () if self.keyword("ALL") => Has::All,
            () if self.keyword("ANY") => Has::Any,
            () if self.keyword("ONLY") => Has::Only,
            () => Has::All,
        };
        let symbols = self.list(|parser| match parser.value()? {
            Value::Text(symbol) => Ok(symbol),
            Value::Number(..) => Err(parser.fault("an element symbol is expected")),
        })?;
        Ok(Node::Elements(has, symbols))
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ParseError>) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn value(&mut self) -> Result<Value, ParseError> {
        let value = match self.peek() {
            Some(Token::Number(number, word)) => Value::Number(*number, word.clone()),
            Some(Token::Quoted(text) | Token::Word(text)) => Value::Text(text.clone()),
            _ => return Err(self.fault("a number or text is expected")),
        };
        self.next += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_not_and_or() {
        let node = parse("NOT a = 1 AND b = 2 OR c = 3").expect("well formed");
        let Node::Or(parts) = node else { panic!("OR binds least") };
        let [Node::And(parts), Node::Compare(..)] = &*parts else { panic!("AND binds more") };
        assert!(matches!(parts[..], [Node::Not(_), Node::Compare(..)]), "NOT binds most");
    }

    #[test]
    fn every_test_is_understood() {
        let number = |number: f64, word: &str| Value::Number(number, word.to_owned());
        let compare = |comparison| Node::Compare("x".into(), comparison, number(-1.5e-3, "-1.5e-3"));
        assert_eq!(parse("x=-1.5e-3"), Ok(compare(Comparison::Equal)));
        assert_eq!(parse("x <= -1.5e-3"), Ok(compare(Comparison::LessOrEqual)));
        let [one, two] = [number(1.0, "1"), number(2.0, "002")];
        assert_eq!(parse("x in (1, 002)"), Ok(Node::In("x".into(), vec![one.clone(), two.clone()])));
        assert_eq!(parse("x between 1 and 002"), Ok(Node::Between("x".into(), one, two)));
        assert_eq!(parse("x IS KNOWN"), Ok(Node::Known("x".into())));
        assert_eq!(
            parse("id = \"a b\""),
            Ok(Node::Compare("id".into(), Comparison::Equal, Value::Text("a b".into())))
        );
        assert_eq!(
            parse("elements HAS ANY \"Li\", Na"),
            Ok(Node::Elements(Has::Any, vec!["Li".into(), "Na".into()]))
        );
    }

    #[test]
    fn faults_are_located() {
        let fault = |text: &str| parse(text).expect_err("malformed").to_string();
        assert_eq!(fault("x >"), "filter 'x >': a number or text is expected at character 4");
        assert_eq!(fault("x = 1 y"), "filter 'x = 1 y': AND, OR or the end is expected at character 7");
        assert_eq!(fault("é = \"a"), "filter 'é = \"a': a text without its closing quote at character 5");
        assert_eq!(fault("x = 1 & y"), "filter 'x = 1 & y': unexpected '&' at character 7");
        assert!(fault("").contains("a field is expected"));
        assert!(fault(&"NOT ".repeat(100_000)).contains("nested too deeply"));
        assert!(fault(&"(".repeat(100_000)).ends_with("the expression is nested too deeply at character 65"));
        let chain = vec!["x = 1"; 100_000].join(" OR ");
        assert!(fault(&format!("{chain} OR")).ends_with(&format!("at character {}", chain.len() + 4)));
    }
}
