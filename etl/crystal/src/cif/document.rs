//! A single pass over a CIF that collects what each data block states about its structure.

use super::block::RawBlock;
use super::error::SyntaxProblem;
use super::join::join;
use super::lexer::{Lexer, Span, SyntaxError, Token, Value};
use super::site::{JoinedLoop, RawSite};
use super::symmetry_name::recognise;
use super::tag::Tag;

/// A CIF that is read block by block.
pub(super) struct Document<'a> {
    bytes: &'a [u8],
    lexer: Lexer<'a>,
    /// Block code and offset of the heading that ended the last block.
    heading: Option<(Span, usize)>,
    started: bool,
}

/// The columns of a loop, by what to do with their values.
type Columns = Vec<Tag>;

impl<'a> Document<'a> {
    /// Creates a document at the start of the file.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, lexer: Lexer::new(bytes), heading: None, started: false }
    }

    /// Reads the next data block into `block`, with `columns` as scratch space. Returns false at the end of the file.
    pub(super) fn next_block(
        &mut self,
        block: &mut RawBlock,
        columns: &mut Columns,
    ) -> Result<bool, SyntaxError> {
        block.clear();
        if !self.started {
            self.started = true;
            let mut token = self.lexer.next()?;
            // Old archives put items of the journal into a `global_` section before the blocks; it is skipped. By the
            // rules of STAR, structural items in it would belong to every block, so they are an error.
            if token == Token::Global {
                let global = self.error(SyntaxProblem::ReservedWord);
                token = self.items(block, columns)?;
                if !block.is_empty() {
                    return Err(global);
                }
                block.clear();
            }
            match token {
                Token::Data(name) => self.heading = Some((name, name.start as usize)),
                Token::End => return Ok(false),
                _ => return Err(self.error(SyntaxProblem::NoBlock)),
            }
        }
        let Some((name, offset)) = self.heading.take() else { return Ok(false) };
        block.name = name;
        block.offset = offset;
        if let Token::Data(name) = self.items(block, columns)? {
            self.heading = Some((name, name.start as usize));
        }
        join(block, self.bytes);
        Ok(true)
    }

    /// Reads all items up to the next heading or the end of the file, and returns that token.
    fn items(&mut self, block: &mut RawBlock, columns: &mut Columns) -> Result<Token, SyntaxError> {
        let mut single = None;
        let mut token = self.lexer.next()?;
        loop {
            token = match token {
                Token::End | Token::Data(_) => break,
                Token::Tag(name) => match self.lexer.next()? {
                    Token::Value(value) => {
                        self.item(block, &mut single, name, value);
                        self.lexer.next()?
                    }
                    _ => return Err(self.error_at(SyntaxProblem::MissingValue, name.start)),
                },
                Token::Loop => self.read_loop(block, columns)?,
                Token::Save(name) if !name.is_empty() => {
                    self.skip_frame()?;
                    self.lexer.next()?
                }
                // The end of a save frame without a beginning has no meaning.
                Token::Save(_) => self.lexer.next()?,
                Token::Reserved | Token::Global => return Err(self.error(SyntaxProblem::ReservedWord)),
                Token::Value(value) => return Err(self.error_at(SyntaxProblem::StrayValue, value.span.start)),
            };
        }
        match single {
            Some((site, _)) if block.sites.is_empty() => block.push_site(site),
            // An atom site outside the atom-site loop is one more site.
            Some((site, name)) if site.missing_coordinate().is_none() => {
                block.duplicate.get_or_insert(name);
            }
            _ => {}
        }
        Ok(token)
    }

    fn error(&self, problem: SyntaxProblem) -> SyntaxError {
        SyntaxError { problem, offset: self.lexer.offset().saturating_sub(1) }
    }

    fn error_at(&self, problem: SyntaxProblem, offset: u32) -> SyntaxError {
        SyntaxError { problem, offset: offset as usize }
    }

    /// Stores an item outside loops. Items of the atom-site category describe the only site of the block.
    fn item(&self, block: &mut RawBlock, single: &mut Option<(RawSite, Span)>, name: Span, value: Value) {
        let tag = recognise(name.of(self.bytes));
        if let Some(list) = tag.list() {
            if block.takes_operations(list, name) {
                block.push_operation(list, value.span);
            }
            return;
        }
        match tag {
            Tag::Other => {}
            _ if tag.is_of_site() => {
                let (site, _) = single.get_or_insert_with(|| (RawSite::starting_at(name.start), name));
                block.site_columns |= 1 << tag as u64;
                block.mark_coordinates(tag);
                block.set_site(site, 0, tag, value, self.bytes);
                block.set_item(tag, name, value, self.bytes);
            }
            _ => block.set_item(tag, name, value, self.bytes),
        }
    }

    /// Reads a loop after its `loop_`, and returns the token that follows.
    fn read_loop(&mut self, block: &mut RawBlock, columns: &mut Columns) -> Result<Token, SyntaxError> {
        columns.clear();
        let mut seen = 0u64;
        let mut has_sites = false;
        let mut is_of_sites = false;
        // Data names of items that belong outside loops, with their columns.
        let mut items = Vec::new();
        let mut has_list = false;
        let first = loop {
            match self.lexer.next()? {
                Token::Tag(name) => {
                    let mut tag = recognise(name.of(self.bytes));
                    let stands_once = tag.is_of_cell() || tag.is_of_site() || tag.list().is_some();
                    if stands_once && seen & (1 << tag as u64) != 0 {
                        block.duplicate.get_or_insert(name);
                    }
                    seen |= 1 << tag as u64;
                    match tag {
                        Tag::Other => {}
                        _ if let Some(list) = tag.list() => {
                            if block.takes_operations(list, name) {
                                has_list = true;
                            } else {
                                tag = Tag::Other;
                            }
                        }
                        _ if tag.is_of_site() => {
                            is_of_sites |= tag != Tag::Label;
                            if tag.is_coordinate() {
                                has_sites = true;
                                block.mark_coordinates(tag);
                                if !block.sites.is_empty() {
                                    block.duplicate.get_or_insert(name);
                                }
                            }
                        }
                        _ => items.push((columns.len(), name)),
                    }
                    columns.push(tag);
                }
                other => break other,
            }
        };
        if columns.is_empty() {
            return Err(self.error(SyntaxProblem::EmptyLoop));
        }
        let width = columns.len();
        if has_sites {
            block.site_columns = seen;
            self.read_sites(block, columns, first)
        } else if is_of_sites {
            self.read_joined(block, columns, seen, first)
        } else if has_list || !items.is_empty() {
            self.read_rows(block, columns, &items, first)
        } else {
            self.skip_rows(width, first)
        }
    }

    /// Skips the rows of a loop without structural items.
    fn skip_rows(&mut self, width: usize, first: Token) -> Result<Token, SyntaxError> {
        let mut token = first;
        let mut column = 0;
        while let Token::Value(_) = token {
            column += 1;
            if column == width {
                column = 0;
            }
            token = self.lexer.next()?;
        }
        self.end_of_rows(column, token)
    }

    fn end_of_rows(&self, column: usize, token: Token) -> Result<Token, SyntaxError> {
        if column == 0 { Ok(token) } else { Err(self.error(SyntaxProblem::UnevenLoop)) }
    }

    /// Reads the rows of a loop of symmetry operations or of items that belong outside loops.
    fn read_rows(
        &mut self,
        block: &mut RawBlock,
        columns: &[Tag],
        items: &[(usize, Span)],
        first: Token,
    ) -> Result<Token, SyntaxError> {
        let mut token = first;
        let mut column = 0;
        while let Token::Value(value) = token {
            match columns.get(column) {
                Some(Tag::Other) | None => {}
                Some(&tag) if let Some(list) = tag.list() => block.push_operation(list, value.span),
                // A looped item such as the cell of each measurement: the rows may agree.
                Some(&tag) => {
                    let name = items.iter().find(|(at, _)| *at == column).map(|(_, name)| *name);
                    let known = block.item(tag, self.bytes).map(|known| known.span.of(self.bytes));
                    if let Some(name) = name.filter(|_| known != Some(value.span.of(self.bytes))) {
                        block.set_item(tag, name, value, self.bytes);
                    }
                }
            }
            column += 1;
            if column == columns.len() {
                column = 0;
            }
            token = self.lexer.next()?;
        }
        self.end_of_rows(column, token)
    }

    /// Reads the rows of an atom-site loop without coordinates. `seen` holds its items, as bits by [`Tag`].
    fn read_joined(
        &mut self,
        block: &mut RawBlock,
        columns: &[Tag],
        seen: u64,
        first: Token,
    ) -> Result<Token, SyntaxError> {
        block.joined_loops.push(JoinedLoop { columns: seen, first_row: block.joined.len() });
        let mut token = first;
        while let Token::Value(value) = token {
            let mut site = RawSite::starting_at(value.span.start);
            // The index differs from those of the sites, which are not known before the loops are joined.
            let index = JoinedLoop::index(block.joined.len());
            for &tag in columns {
                let Token::Value(value) = token else { return Err(self.error(SyntaxProblem::UnevenLoop)) };
                block.set_site(&mut site, index, tag, value, self.bytes);
                token = self.lexer.next()?;
            }
            block.push_joined(site);
        }
        Ok(token)
    }

    /// Reads the rows of the atom-site loop with coordinates.
    fn read_sites(
        &mut self,
        block: &mut RawBlock,
        columns: &[Tag],
        first: Token,
    ) -> Result<Token, SyntaxError> {
        let mut token = first;
        while let Token::Value(value) = token {
            let mut site = RawSite::starting_at(value.span.start);
            let index = block.sites.len();
            for &tag in columns {
                let Token::Value(value) = token else { return Err(self.error(SyntaxProblem::UnevenLoop)) };
                block.set_site(&mut site, index, tag, value, self.bytes);
                token = self.lexer.next()?;
            }
            block.push_site(site);
        }
        Ok(token)
    }

    /// Skips a save frame after its heading, including its end.
    fn skip_frame(&mut self) -> Result<(), SyntaxError> {
        loop {
            match self.lexer.next()? {
                Token::Save(name) if name.is_empty() => return Ok(()),
                Token::End => return Ok(()),
                _ => {}
            }
        }
    }
}
